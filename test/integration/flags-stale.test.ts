/**
 * Hunts flags that outlive their work without anybody being told: past their end, always the same for everybody, or no
 * longer asked for; a check that passes where it was told to fail, and a clean-up that leaves a place out.
 */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { FlagsResponse, FlagStatus } from '../../src/wire/flag-api.ts';
import { cli, endCli } from '../support/cli.ts';
import { TestProject } from '../support/test-project.ts';

const SHOP = `flags:
  old:
    state: ENABLED
    variants: { on: true, off: false }
    defaultVariant: on
    metadata: { owner: payments, kind: permission, end: "2020-01-31" }
  settled:
    state: ENABLED
    variants: { on: true, off: false }
    defaultVariant: on
  settled-v2:
    state: ENABLED
    variants: { on: true, off: false }
    defaultVariant: on
    metadata: { kind: operational }
`;
const CODE: Readonly<Record<string, string>> = {
  'src/pay.js': "// settled-v2 is another one\nif (flags.isOn('settled')) pay();\n",
  'src/shop.py': 'x = 1\ny = flags.value("settled")\n',
  'src/other.js': "flags.isOn('old'); flags.isOn('settled-v2'); unsettled();\n",
  'node_modules/theirs/index.js': "flags.isOn('settled')\n",
  '.git/config': 'settled\n',
};

let project: TestProject;
const stale = (choice: string) => project.writeFile({ top: `flags: { stale: ${choice} }` });
const segue = (...words: readonly string[]) =>
  cli(project.root, words, { CI: '1', GITLAB_USER_LOGIN: 'dana' });

before(async () => {
  project = await TestProject.create();
  await stale('{ after: 30d, fail: true }');
  for (const [file, text] of Object.entries({ ...CODE, 'flags/shop.flagd.yaml': SHOP })) {
    await mkdir(path.dirname(path.join(project.root, file)), { recursive: true });
    await writeFile(path.join(project.root, file), text);
  }
});
after(async () => {
  endCli();
  await project.remove();
});

describe('segue check, of the files alone', () => {
  it('fails where the file says so, with the flag, its place and what to do', async () => {
    const { exitCode, err } = await segue('check');
    assert.equal(exitCode, 2, err);
    assert.match(err, /FLAGS_STALE/);
    assert.match(err, /flags\/shop\.flagd\.yaml:2: flag old is stale: its end was 2020-01-31/);
    assert.match(err, /segue flags stale/);
    assert.doesNotMatch(err, /settled/);
    const told = JSON.parse((await segue('check', '--json')).out) as { error: { code: string } };
    assert.equal(told.error.code, 'FLAGS_STALE');
  });

  it('warns where it does not', async () => {
    await stale('{ after: 30d }');
    const { exitCode, out } = await segue('check');
    assert.equal(exitCode, 0, out);
    assert.match(out, /flag old is stale: its end was 2020-01-31/);
  });
});

describe('with a control that knows what was asked', () => {
  const statusOf = async (flag: string): Promise<FlagStatus | undefined> =>
    (await project.api<FlagsResponse>('GET', '/v1/flags')).flags.find((one) => one.flag === flag);
  const causesOf = async (flag: string) => (await statusOf(flag))?.stale.map(({ type }) => type);
  const ask = (flag: string) => project.api('POST', `/ofrep/v1/evaluate/flags/${flag}`, { context: {} });

  let asking: NodeJS.Timeout;

  before(async () => {
    await stale('{ after: 5s, fail: true }');
    await project.up();
    // Or a machine that is slow would make them flags that nobody asks for.
    asking = setInterval(() => {
      for (const flag of ['settled', 'settled-v2']) void ask(flag).catch(() => undefined);
    }, 100);
    const definition = { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'off' };
    const to = { type: 'definition', isNew: true, definition };
    await project.api('POST', '/v1/flags/unasked/change', { to, by: 'dana', reason: '' });
  });

  after(() => clearInterval(asking));

  it('one that gives everybody the same is settled, one that nobody asks for is unasked', async () => {
    assert.ok(await project.eventually(async () => (await causesOf('settled'))?.join() === 'settled'));
    assert.ok(await project.eventually(async () => (await causesOf('unasked'))?.join() === 'unasked'));
    // Flags of these kinds are meant to stay.
    assert.deepEqual(await causesOf('settled-v2'), []);
    assert.deepEqual(await causesOf('old'), ['past-end']);
  });

  it('has all of them in a list to tick off, with every place and no other', async () => {
    const { out } = await segue('flags', 'stale');
    const part = (flag: string) => out.split(/\n(?=\S)/).find((text) => text.startsWith(`${flag} `)) ?? '';
    assert.deepEqual(part('settled').trimEnd().split('\n').slice(1), [
      '  [ ] src/pay.js:2: take the flag out and keep what "on" does',
      '  [ ] src/shop.py:2: take the flag out and keep what "on" does',
      '  [ ] release it',
      '  [ ] flags/shop.flagd.yaml:7: delete it',
    ]);
    assert.match(part('settled'), /^settled {2}everybody got "on" for /);
    assert.deepEqual(part('unasked').trimEnd().split('\n').slice(1), [
      '  [x] no code of this project mentions it',
      '  [ ] it was made at run time: nothing asks for it once the code is gone',
    ]);
    assert.match(part('old'), /^old {2}its end was 2020-01-31 {2}\(payments\)\n {2}\[ \] src\/other\.js:1: /);
    assert.equal(part('settled-v2'), '');
  });

  it('segue check fails for them, too', async () => {
    const { exitCode, err } = await segue('check');
    assert.equal(exitCode, 2, err);
    assert.match(err, /flags\/shop\.flagd\.yaml:7: flag settled is stale: everybody got "on" for /);
    assert.match(err, /flag unasked is stale: nobody asked for it for /);
  });
});
