/** Hunts a limit of requests that lets all through, or takes from one key what another one has used. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { somePort } from '../contract/some-port.ts';
import { TestProject } from '../support/test-project.ts';

let project: TestProject;
let base: string;

before(async () => {
  const port = await somePort();
  base = `http://127.0.0.1:${port}/ofrep/v1`;
  // So few that a slow machine meets the limit as well.
  const keys = 'keys: [key-for-few, key-of-another, key-of-streams], rate: 1';
  project = await TestProject.create({ top: `flags: { ofrep: { listen: "127.0.0.1:${port}", ${keys} } }` });
  await project.up();
});
after(() => project.remove());

/** Asks until it is told to wait. */
async function untilLimited(ask: () => Promise<Response>): Promise<Response> {
  let limited: Response | undefined;
  const isLimited = await project.eventually(async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, ask));
    limited = answers.find(({ status }) => status === 429);
    for (const answer of answers) if (answer.status !== 429) await answer.body?.cancel();
    return limited !== undefined;
  });
  assert.ok(isLimited && limited);
  return limited;
}

const bulk = (key: string) =>
  fetch(`${base}/evaluate/flags`, {
    method: 'POST',
    headers: { 'x-api-key': key },
    body: '{"context":{}}',
  });

it('too many requests of a key are told when to come again, and the other keys are not', async () => {
  const limited = await untilLimited(() => bulk('key-for-few'));
  assert.match(limited.headers.get('retry-after') ?? '', /^[1-9]\d*$/);
  assert.deepEqual(await limited.json(), { errorDetails: 'Too many requests.' });
  assert.equal((await bulk('key-of-another')).status, 200);
});

it('so are too many streams', async () => {
  const limited = await untilLimited(() =>
    fetch(`${base}/streams`, { headers: { 'x-api-key': 'key-of-streams' } }),
  );
  assert.match(limited.headers.get('retry-after') ?? '', /^[1-9]\d*$/);
});
