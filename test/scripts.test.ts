/**
 * Bugs hunted: two installs at once in one folder, an install that broke off and passes for done, a lock that
 * outlives its owner, a test run that is green although a test was skipped or failed, or that hangs. npm is a
 * small program of ours here; the scripts are the real ones.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from './support/repository.ts';

let folder: string;
let children: ChildProcess[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'segue-scripts-'));
  children = [];
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** A test run inside a test run must not report to the outer one. */
const { NODE_TEST_CONTEXT: _, ...environment } = process.env;

function start(args: readonly string[], env: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, args, {
    env: { ...environment, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, 'close').then(([code]): Ended => ({ code, output }));
  return { child, ended };
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let triesLeft = 3_000; !holds(); triesLeft -= 1) {
    assert.ok(triesLeft > 0, `waited in vain: ${what}`);
    await sleep(10);
  }
}

suite('install.mjs', () => {
  /** Says in `calls` that it ran, does what the test wants of it, and "installs" a Node. */
  const fakeNpm = (behaviour: string) => `#!/bin/sh
echo "$*" >> calls
mkdir -p node_modules/.bin
${behaviour}
printf '#!/bin/sh\\necho v24.0.0\\n' > node_modules/.bin/node
chmod +x node_modules/.bin/node
`;

  const install = () => {
    const path = `${join(folder, 'path')}${delimiter}${process.env['PATH']}`;
    return start([join(folder, 'scripts', 'install.mjs')], { PATH: path });
  };
  const npmBehaves = async (behaviour: string) => {
    await writeFile(join(folder, 'path', 'npm'), fakeNpm(behaviour));
    await chmod(join(folder, 'path', 'npm'), 0o755);
  };
  const calls = async () => (await readFile(join(folder, 'calls'), 'utf8')).trim().split('\n');

  beforeEach(async () => {
    await mkdir(join(folder, 'path'));
    await cp(join(root, 'scripts', 'install.mjs'), join(folder, 'scripts', 'install.mjs'));
    await writeFile(join(folder, 'package.json'), '{}');
    await writeFile(join(folder, 'package-lock.json'), '{}');
    await npmBehaves('true');
  });

  test('runs npm once, and again only when what is wanted has changed', async () => {
    assert.deepEqual(await install().ended, { code: 0, output: '' });
    assert.deepEqual(await install().ended, { code: 0, output: '' });
    assert.equal((await calls()).length, 1);
    await writeFile(join(folder, 'package-lock.json'), '{ "name": "changed" }');
    assert.equal((await install().ended).code, 0);
    assert.equal((await calls()).length, 2);
  });

  test('of several at once one runs npm and the others wait for it', async () => {
    await npmBehaves('sleep 0.5');
    const ends = await Promise.all([install(), install(), install(), install()].map(({ ended }) => ended));
    assert.deepEqual(
      ends.map(({ code }) => code),
      [0, 0, 0, 0],
    );
    assert.equal((await calls()).length, 1);
    assert.equal(existsSync(join(folder, '.build', 'install.lock')), false);
  });

  test('a failure shows what npm said and is tried again the next time', async () => {
    await npmBehaves('echo "npm error 404 no such package" >&2; exit 1');
    const failed = await install().ended;
    assert.equal(failed.code, 1);
    assert.match(failed.output, /npm error 404 no such package/);
    await npmBehaves('true');
    assert.equal((await install().ended).code, 0);
    assert.equal((await calls()).length, 2);
  });

  test('a lock whose owner was killed is taken over, by one', async () => {
    await npmBehaves('echo begin >> turns; while [ ! -e go ]; do sleep 0.05; done; echo end >> turns');
    const killed = install();
    await until('npm began', () => existsSync(join(folder, 'turns')));
    killed.child.kill('SIGKILL');
    await once(killed.child, 'exit');
    const rest = [install(), install(), install()];
    // The killed one's npm still runs: they have time to barge in, if they would.
    await sleep(600);
    await writeFile(join(folder, 'go'), '');
    for (const { ended } of rest) assert.equal((await ended).code, 0);
    assert.equal(await readFile(join(folder, 'turns'), 'utf8'), 'begin\nend\nbegin\nend\n');
  });
});

suite('test.ts', () => {
  const run = async (body: string, env: NodeJS.ProcessEnv = {}) => {
    const file = join(folder, 'sample.test.mjs');
    await writeFile(file, `import test from 'node:test';\n${body}\n`);
    return start([join(root, 'scripts', 'test.ts'), file], { CI: '', ...env }).ended;
  };

  test('ends with the summary that the runner wrote', async () => {
    const { code, output } = await run(`test('one', () => {}); test('two', () => {});`);
    assert.equal(code, 0, output);
    assert.match(output, /\n# tests 2\n(?:# \w+ \d+\n)*# duration_ms [\d.]+\n$/);
    assert.match(output, /\n# pass 2\n/);
  });

  test('a failed test fails the run', async () => {
    const { code, output } = await run(`test('one', () => { throw new Error('broken'); });`);
    assert.equal(code, 1);
    assert.match(output, /\n# fail 1\n/);
  });

  test('a file whose tests are over and which does not end fails the run, and says what it left open', async () => {
    const { code, output } = await run(`test('one', () => {}); setInterval(() => {}, 1_000);`, {
      SEGUE_TEST_ENDS_WITHIN_MS: '100',
    });
    assert.equal(code, 1);
    assert.match(output, /The tests are over, and this is still open: .*Timeout/);
  });

  test('a skipped test fails the run in CI, and says which it is', async () => {
    const skipping = `test('one', () => {}); test('no net', { skip: 'offline' }, () => {});`;
    assert.equal((await run(skipping)).code, 0);
    const { code, output } = await run(skipping, { CI: 'true' });
    assert.equal(code, 1);
    assert.match(output, /skipped, which CI does not allow: no net \(skip offline\)/);
  });
});
