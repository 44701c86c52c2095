/**
 * Hunts the crash in a roll-out of a flag that leaves it half way with nobody watching, sets it twice, or forgets what
 * was before (R5): control is killed at every write of its journal, before and after it by turns.
 */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { it } from 'node:test';
import type { OrderResponse, StatusResponse } from '../../src/wire/api.ts';
import type { FlagRolloutRequest, FlagsResponse } from '../../src/wire/flag-api.ts';
import { Crasher } from '../support/crash-suite.ts';
import { assertEnded } from '../support/outcome.ts';
import { steadyLoad } from '../support/steady-load.ts';
import { TestProject } from '../support/test-project.ts';

const FLAG = `flags:
  checkout:
    state: ENABLED
    variants: { on: true, off: false }
    defaultVariant: off
    targeting: { if: [{ ends_with: [{ var: path }, staff] }, on] }
`;

async function begin(project: TestProject, to: string): Promise<string> {
  const request: FlagRolloutRequest = {
    ...{ to, from: null, percents: [10, 60], evidence: false, forMs: 20, approve: false },
    ...{ service: null, by: 'dana', reason: '' },
  };
  return (await project.api<OrderResponse>('POST', '/v1/flags/checkout/rollout', request)).release.id;
}

const running = async (project: TestProject) =>
  (await project.api<StatusResponse>('GET', '/v1/status')).rollouts ?? [];

async function given(project: TestProject): Promise<unknown> {
  const { flags } = await project.api<FlagsResponse>('GET', '/v1/flags');
  const { override = null } = flags.find(({ flag }) => flag === 'checkout') ?? {};
  return override === null ? 'off' : override.type === 'rolled' && [override.to, override.percent];
}

it('control killed at every write of a roll-out', { timeout: 1_800_000 }, async (t) => {
  const project = await TestProject.create({ instances: 1, traffic: ', flags: { evaluate: [checkout] }' });
  t.after(() => project.remove());
  await mkdir(path.join(project.root, 'flags'));
  await writeFile(path.join(project.root, 'flags/shop.flagd.yaml'), FLAG);
  await project.build('v1');
  const crasher = new Crasher(project);
  await crasher.arm('');
  await crasher.up();
  assertEnded(await project.deploy('v1'), 'done');
  let now: 'on' | 'off' = 'on';
  const points = await crasher.writesOf(async () =>
    assertEnded(await project.ended(await begin(project, 'on')), 'done'),
  );
  assert.ok(points > 6, `a roll-out makes several writes, found ${points}`);
  const load = steadyLoad(t, project.port);
  let crashes = 0;
  for (let write = 1; write <= points; write += 1) {
    const point = `${write % 2 === 0 ? 'before' : 'after'}:${write}`;
    const to = now === 'on' ? 'off' : 'on';
    await crasher.arm(point);
    // The answer may be lost with control; what counts is what the journal says afterwards.
    const asked = begin(project, to).catch(() => null);
    const died = () => project.control?.signalCode === 'SIGKILL';
    const isOver = async () => (await running(project)).length === 0;
    const begun = await Promise.race([asked, project.eventually(died).then(() => null)]);
    assert.ok(await project.eventually(async () => died() || (begun !== null && (await isOver()))), point);
    await crasher.arm('');
    if (died()) {
      crashes += 1;
      await crasher.up();
    }
    assert.ok(await project.eventually(isOver), `it ended after ${point}`);
    const { releases } = await project.api<{ releases: { id: string; to: string; state: string }[] }>(
      'GET',
      '/v1/releases?service=checkout&limit=1',
    );
    const [last] = releases;
    assert.equal(last?.state, 'done', point);
    now = last.to === 'on' ? 'on' : 'off';
    assert.deepEqual(await given(project), [now, 100], point);
    const { entries } = await project.release(last.id);
    const kinds = entries.map(({ fact }) => fact.kind);
    assert.equal(kinds.filter((kind) => kind === 'flag-changed').length, 3, `each share once, ${point}`);
    assert.equal(kinds.filter((kind) => kind === 'release-ended').length, 1, point);
  }
  assert.ok(crashes >= points - 2, `${crashes} crashes at ${points} writes`);
  assert.deepEqual((await load.stop()).failures, []);
});
