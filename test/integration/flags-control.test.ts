/**
 * Hunts flags that change without a trace or against the rules, that a broken file takes down, that cannot be taken
 * back, or that are forgotten by the edge when control dies; all through the real CLI, control and gateway.
 */
import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type {
  FlagChangeResponse,
  FlagChangesResponse,
  FlagsResponse,
  FlagStatus,
} from '../../src/wire/flag-api.ts';
import { cli, endCli } from '../support/cli.ts';
import { refused } from '../support/refused.ts';
import { TestProject } from '../support/test-project.ts';

const APP = `
import { createServer } from 'node:http';
import { createHmac } from 'node:crypto';
createServer((request, response) => {
  const [payload = '', signature] = (request.headers['segue-flags'] ?? '').split('.');
  const good = createHmac('sha256', process.env.SEGUE_FLAGS_KEY).update(payload).digest('base64url') === signature;
  response.end(good ? Buffer.from(payload, 'base64url').toString() : '{}');
}).listen(process.env.PORT, '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
`;

const SHOP = `flags:
  checkout-v2:
    state: ENABLED
    variants: { on: true, off: false }
    defaultVariant: off
    targeting:
      if:
        - ends_with: [{ var: email }, "@shop.example"]
        - on
    metadata: { owner: shop, kind: release, end: "2020-01-31", release: web@v1 }
  theme:
    state: ENABLED
    variants: { light: light, dark: dark }
    defaultVariant: light
  guarded:
    state: ENABLED
    variants: { on: true, off: false }
    defaultVariant: off
`;

let project: TestProject;
let file: string;

before(async () => {
  project = await TestProject.create({
    instances: 1,
    traffic: ', flags: { evaluate: [checkout-v2, theme], key: { header: x-user } }',
    top: 'flags: { approvals: [{ flags: [guarded], by: [chris] }], stale: 1h }',
  });
  file = path.join(project.root, 'flags/shop.flagd.yaml');
  await mkdir(path.dirname(file));
  await mkdir(path.join(project.root, 'builds/v1'), { recursive: true });
  await writeFile(path.join(project.root, 'builds/v1/server.mjs'), APP);
  await writeFile(path.join(project.root, 'builds/v1/shop.js'), "if (flags.isOn('checkout-v2')) pay();\n");
  await writeFile(file, SHOP);
  await project.up();
  await project.deploy('v1');
});
after(async () => {
  endCli();
  await project.remove();
});

const segue = (words: readonly string[], who = 'dana') =>
  cli(project.root, ['flags', ...words], { CI: '1', GITLAB_USER_LOGIN: who });

async function json<T>(words: readonly string[]): Promise<T> {
  const { out, err, exitCode } = await segue([...words, '--json']);
  assert.ok(exitCode === 0 || exitCode === 4, out + err);
  return JSON.parse(out) as T;
}

const list = () => project.api<FlagsResponse>('GET', '/v1/flags');
const statusOf = async (flag: string) => (await list()).flags.find((one) => one.flag === flag);

/** What the CLI sends, without the time that a process takes. */
function change(flag: string, to: unknown, by = 'dana'): Promise<FlagChangeResponse> {
  return project.api('POST', `/v1/flags/${flag}/change`, { to, by, reason: '' });
}

const approve = (number: number, by: string) =>
  project.api<FlagChangeResponse>('POST', `/v1/flag-changes/${number}/approve`, { by, reason: '' });

async function edge(flag: string): Promise<unknown> {
  const answer = await fetch(`http://127.0.0.1:${project.port}/`, { headers: { 'x-user': 'anna' } });
  const told = (await answer.json()) as { flags?: Record<string, { variant: string }> };
  return told.flags?.[flag]?.variant;
}

describe('flags of a project', () => {
  it('are listed, shown and explained', async () => {
    const { flags } = await list();
    assert.deepEqual(
      flags.map(({ flag }) => flag),
      ['checkout-v2', 'guarded', 'theme'],
    );
    const shown = await segue(['show', 'checkout-v2']);
    assert.match(shown.out, /owner\s+shop/);
    assert.match(shown.out, /shop\.flagd\.yaml:2/);
    const hit = await segue(['evaluate', 'checkout-v2', '--context', 'email=a@shop.example']);
    assert.match(hit.out, /on = true.*TARGETING_MATCH/);
    assert.match(hit.out, /if\[0\]\.ends_with {2}= true/);
    const unknown = await segue(['show', 'nothing']);
    assert.equal(unknown.exitCode, 2);
    assert.match(unknown.err, /FLAG_UNKNOWN|no such flag/);
  });

  it('reach the instances, and a change is in force at once', async () => {
    assert.equal(await edge('checkout-v2'), 'off');
    const changed = await json<{ number: number }>(['on', 'checkout-v2', '--reason', 'a launch']);
    assert.ok(await project.eventually(async () => (await edge('checkout-v2')) === 'on'));
    assert.equal((await segue(['undo', String(changed.number)])).exitCode, 0);
    assert.ok(await project.eventually(async () => (await edge('checkout-v2')) === 'off'));
    const again = await segue(['undo', String(changed.number)]);
    assert.equal(again.exitCode, 5);
    assert.match(again.err, /changed again since then/);
    const { changes } = await json<FlagChangesResponse>(['history', 'checkout-v2']);
    const [undo, on] = changes;
    assert.equal(undo?.change.undoes, changed.number);
    assert.deepEqual(
      [on?.change.by, on?.change.reason, on?.change.before.override],
      ['dana (CI)', 'a launch', null],
    );
    assert.equal(on?.change.before.definition?.defaultVariant, 'off');
    assert.equal(on?.change.after.definition?.defaultVariant, 'on');
  });

  it('take shares and variants, and refuse what they have not', async () => {
    assert.equal((await segue(['set', 'theme', '--share', 'light=0,dark=1'])).exitCode, 0);
    assert.ok(await project.eventually(async () => (await edge('theme')) === 'dark'));
    await change('theme', { type: 'file' });
    const wrong = await segue(['set', 'theme', '--variant', 'pink']);
    assert.equal(wrong.exitCode, 5);
    assert.match(wrong.err, /no variant "pink"; it has light, dark/);
    assert.equal((await segue(['set', 'theme'])).exitCode, 2);
    const definition = { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'off' };
    await refused('FLAG_REFUSED', change('theme', { type: 'definition', isNew: true, definition }));
    await refused('FLAG_UNKNOWN', change('fresh', { type: 'on' }));
    const bad = { ...definition, targeting: { iff: [] } };
    await refused('FLAGS_INVALID', change('fresh', { type: 'definition', isNew: true, definition: bad }));
    for (const prerequisites of ['nothing=on', 'theme=pink', 'fresh=on']) {
      const needy = { ...definition, metadata: { prerequisites } };
      const to = { type: 'definition', isNew: true, definition: needy };
      await refused('FLAGS_INVALID', change('fresh', to));
    }
    assert.equal((await segue(['new', 'fresh'])).exitCode, 0);
    await change('fresh', { type: 'on' });
    const fresh = await statusOf('fresh');
    assert.deepEqual([fresh?.definition.defaultVariant, fresh?.file], ['on', null]);
  });

  it('that two people decide wait for the second, unless they are turned off', async () => {
    const asked = await segue(['on', 'guarded', '--json']);
    assert.equal(asked.exitCode, 4);
    const { pending } = JSON.parse(asked.out) as { pending: { number: number } };
    await refused('FLAG_REFUSED', approve(pending.number, 'dana (CI)'));
    await refused('FLAG_REFUSED', approve(pending.number, 'eve'));
    assert.equal((await statusOf('guarded'))?.override, null);
    await approve(pending.number, 'chris');
    assert.deepEqual((await statusOf('guarded'))?.override, { type: 'fixed', variant: 'on' });
    await refused('FLAG_CHANGE_UNKNOWN', approve(pending.number, 'chris'));
    assert.equal((await change('guarded', { type: 'off' })).type, 'changed');
  });

  it('that are past their end are stale, with the places that mention them', async () => {
    const { stale } = await json<{ stale: (FlagStatus & { code: { file: string; line: number }[] })[] }>([
      'stale',
    ]);
    const flag = stale.find((one) => one.flag === 'checkout-v2');
    assert.deepEqual(
      flag?.stale.map(({ type }) => type),
      ['past-end'],
    );
    assert.ok(
      flag?.code.some((place) => place.file === 'builds/v1/shop.js' && place.line === 1),
      JSON.stringify(flag?.code),
    );
    const checked = await cli(project.root, ['check']);
    assert.match(checked.out, /checkout-v2.*its end was 2020-01-31/);
    assert.equal(checked.exitCode, 0);
  });

  it('outlive a broken file, loudly, and take the next good one by themselves', async () => {
    await writeFile(file, SHOP.replace('defaultVariant: light', 'defaultVariant: pink'));
    const troubled = async () => (await list()).trouble;
    assert.ok(await project.eventually(async () => (await troubled()).length > 0));
    assert.match(
      (await troubled())[0] ?? '',
      /^flags\/shop\.flagd\.yaml:14:21: theme\.defaultVariant: "pink" is no variant/,
    );
    assert.equal(await edge('theme'), 'light');
    assert.match((await cli(project.root, ['status'])).out, /last good ones stay in force/);
    await writeFile(file, SHOP.replace('defaultVariant: light', 'defaultVariant: dark'));
    assert.ok(await project.eventually(async () => (await edge('theme')) === 'dark'));
    assert.deepEqual(await troubled(), []);
    const kinds = (await project.journal()).map(({ fact }) => fact.kind);
    assert.ok(kinds.includes('flags-refused') && kinds.includes('flags-applied'));
  });

  it('are in force at the edge without control, and as they were set when it is back', async () => {
    await change('theme', { type: 'variant', variant: 'light' });
    assert.ok(await project.eventually(async () => (await edge('theme')) === 'light'));
    await project.killControl();
    assert.equal(await edge('theme'), 'light');
    await writeFile(file, 'flags: [');
    await project.up();
    assert.equal(await edge('theme'), 'light');
    assert.deepEqual((await statusOf('theme'))?.override, {
      type: 'fixed',
      variant: 'light',
    });
    await writeFile(file, SHOP);
  });
});

it('an export of another tool becomes a file, once', async () => {
  const exported = path.join(project.root, 'growthbook.json');
  await writeFile(
    exported,
    JSON.stringify({
      features: { banner: { defaultValue: false, rules: [{ condition: { country: 'DE' }, force: true }] } },
    }),
  );
  const words = ['import', 'growthbook.json', '--from', 'growthbook'];
  assert.equal((await segue(words)).exitCode, 0);
  const text = await readFile(path.join(project.root, 'flags/imported-growthbook.flagd.json'), 'utf8');
  assert.match(text, /"targeting"/);
  assert.equal((await segue(words)).exitCode, 2);
  await rm(exported);
});
