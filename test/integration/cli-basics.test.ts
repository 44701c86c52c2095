/**
 * Hunts a CLI that fails in the wrong way: a wrong exit code, an error on the wrong stream, JSON that is not
 * JSON, help without an example, a completion that the shell cannot run.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { VERBS } from '../../src/cli/commands/index.ts';
import { flatVerbs } from '../../src/cli/verb.ts';
import { portOf } from '../contract/some-port.ts';
import { cli } from '../support/cli.ts';

const run = promisify(execFile);
let folder = '';
before(async () => {
  folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'segue-cli-')));
});
after(() => rm(folder, { recursive: true, force: true }));

async function project(name: string, text: string | null): Promise<string> {
  const root = path.join(folder, name);
  await mkdir(root, { recursive: true });
  if (text !== null) await writeFile(path.join(root, 'segue.yaml'), text);
  return root;
}

const service = (listen: number, more = '') =>
  `project: p\nservices: { web: { run: node x.js, traffic: { listen: "127.0.0.1:${listen}" }${more} } }\n`;

describe('help', () => {
  test('lists the verbs, hides the hidden', async () => {
    const { exitCode, out } = await cli(folder, []);
    assert.equal(exitCode, 0);
    for (const verb of VERBS) assert.equal(out.includes(`  ${verb.name} `), !verb.hidden, verb.name);
  });

  test('of every verb has an example that uses only what the verb takes', async () => {
    for (const verb of [...VERBS.filter(({ verbs }) => verbs), ...flatVerbs(VERBS)]) {
      const { exitCode, out } = await cli(folder, [...verb.name.split(' '), '--help']);
      assert.equal(exitCode, 0);
      assert.match(out, new RegExp(`Examples:\\n  segue ${verb.name}`));
      const known = [...out.matchAll(/^ {2}--([a-z-]+)/gm)].map((match) => match[1]);
      // The examples of a group are those of its verbs.
      for (const example of verb.verbs ? [] : verb.examples)
        for (const [, flag] of example.matchAll(/--([a-z-]+)/g)) assert.ok(known.includes(flag), example);
    }
  });
});

describe('wrong usage', () => {
  test('ends with 2 and says what is wrong on stderr', async () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [['deplyo'], /unknown command 'deplyo'.*Did you mean deploy/],
      [['deploy', '--verison', 'v2'], /unknown option '--verison'.*Did you mean --version/],
      [['deploy', '--version'], /argument missing/],
      [['completion'], /missing required argument 'shell'/],
      [['completion', 'tcsh'], /there is bash, zsh and fish/],
    ];
    for (const [words, message] of cases) {
      const { exitCode, out, err } = await cli(folder, words);
      assert.equal(exitCode, 2, words.join(' '));
      assert.equal(out, '');
      assert.match(err, /^error USAGE: /);
      assert.match(err, message);
    }
  });

  test('--version before a verb is of Segue, after it of the service', async () => {
    const root = await project('version', service(18_001));
    assert.match((await cli(root, ['--version'])).out, /^\d+\.\d+\.\d+\n$/);
    assert.match((await cli(root, ['deploy', '--version', 'v2'])).err, /CONTROL_NOT_RUNNING/);
  });
});

describe('without control', () => {
  test('each verb that needs it ends with 5, in words and in JSON', async () => {
    const root = await project('down', service(18_002));
    for (const verb of [
      'plan',
      'deploy',
      'status',
      'releases',
      'show',
      'logs',
      'approve',
      'promote',
      'pause',
      'resume',
      'rollback',
      'abort',
      'down',
    ]) {
      const { exitCode, out, err } = await cli(root, [verb]);
      assert.deepEqual([exitCode, out], [5, ''], verb);
      assert.match(err, /^error CONTROL_NOT_RUNNING: .*\n.*next: Start it with "segue up"/s);
    }
    const { exitCode, out, err } = await cli(root, ['status', '--json']);
    assert.deepEqual([exitCode, err], [5, '']);
    const parsed: unknown = JSON.parse(out);
    assert.deepEqual(parsed, {
      error: {
        code: 'CONTROL_NOT_RUNNING',
        what: 'Segue does not run for this project.',
        detail: '',
        next: 'Start it with "segue up".',
        place: null,
      },
    });
  });

  test('completion of names says nothing and does not fail', async () => {
    const root = await project('down', service(18_002));
    assert.deepEqual(await cli(root, ['__complete', 'service']), { exitCode: 0, out: '', err: '' });
    assert.deepEqual(await cli(folder, ['__complete', 'nonsense']), { exitCode: 0, out: '', err: '' });
  });

  test('where there is no project, says where it looked', async () => {
    const { exitCode, err } = await cli(folder, ['status']);
    assert.equal(exitCode, 2);
    assert.ok(err.startsWith('error FILE_MISSING') && err.includes(folder));
    assert.equal((await cli(folder, ['status', '--project', 'nowhere'])).exitCode, 2);
  });
});

describe('init and check', () => {
  test('init writes what check takes, from any folder below, and does not overwrite', async () => {
    const root = await project('fresh', null);
    await writeFile(path.join(root, 'package.json'), '{"name":"fresh","scripts":{"start":"node server.js"}}');
    await writeFile(path.join(root, '.gitignore'), '');
    const first = await cli(root, ['init']);
    assert.equal(first.exitCode, 0, first.err);
    assert.match(first.out, /written: segue.yaml, the command from package.json/);
    const text = await readFile(path.join(root, 'segue.yaml'), 'utf8');
    assert.match(text, /^# yaml-language-server: \$schema=\S+segue\.schema\.json\n/);
    assert.equal(await readFile(path.join(root, '.gitignore'), 'utf8'), '.segue/\n');
    await mkdir(path.join(root, 'deep/er'), { recursive: true });
    const check = await cli(path.join(root, 'deep/er'), ['check']);
    assert.equal(check.exitCode, 0, check.err);
    assert.match(check.out, /^ok: fresh, 1 service\n {2}web +http:\/\/localhost:8080 +2 x node server.js/);
    const again = await cli(root, ['init']);
    assert.equal(again.exitCode, 2);
    assert.match(again.err, /^error FILE_EXISTS/);
    assert.equal((await cli(root, ['init', '--force'])).exitCode, 0);
  });

  test('check shows every problem with its line, those of environments too', async () => {
    const root = await project(
      'wrong',
      `${service(18_003, ', drain: 5s')}environments: { small: { services: { web: { instances: 0 } } } }\n`,
    );
    const { exitCode, err } = await cli(root, ['check']);
    assert.equal(exitCode, 2);
    assert.match(
      err,
      /segue\.yaml:2:76: services\.web\.drain: does not belong here: requests have traffic\.drain;.*\n {2}2 \|.*\n {4}\| +\^/,
    );
    assert.match(
      err,
      /segue\.yaml:3:56: services\.web\.instances: expected a whole number from 1 to 200, got 0/,
    );
    const json = await cli(root, ['check', '--json']);
    assert.match(json.out, /"place": \{\s+"file": "segue.yaml",\s+"line": 2,\s+"column": 76/);
  });

  test('check warns of what this machine lacks', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const port = portOf(server.address());
    const root = await project(
      'lacking',
      `project: p\nports: 1-2\nservices: { web: { run: { command: no-such-program x, env: { KEY: env:NO_SUCH_KEY } }, traffic: { listen: "127.0.0.1:${port}" } } }`,
    );
    const { exitCode, out } = await cli(root, ['check']);
    server.close();
    assert.equal(exitCode, 0);
    assert.match(out, /warning: web: the command no-such-program is not on the PATH/);
    assert.match(out, /warning: web: the environment variable NO_SUCH_KEY is not set here/);
    assert.match(out, new RegExp(`warning: web: port ${port} is in use by another program`));
  });

  test('up refuses a wrong file before it starts anything', async () => {
    const root = await project('refused', service(18_004, ', drain: 5s'));
    const { exitCode, err } = await cli(root, ['up']);
    assert.equal(exitCode, 2);
    assert.match(err, /^error FILE_INVALID/);
    await assert.rejects(readFile(path.join(root, '.segue/control.log')));
  });

  test('an unknown environment is named with what there is', async () => {
    const root = await project('environment', `${service(18_005)}environments: { staging: {} }\n`);
    const { exitCode, err } = await cli(root, ['check', '--environment', 'stagin']);
    assert.equal(exitCode, 2);
    assert.match(err, /^error ENVIRONMENT_UNKNOWN: .*\n {2}"stagin" was asked for; did you mean "staging"\?/);
  });
});

test('the completion of bash offers verbs, flags and words', async () => {
  const { out } = await cli(folder, ['completion', 'bash']);
  const ask = async (...words: string[]) => {
    const list = words.map((word) => `'${word}'`).join(' ');
    const script = `${out}\nCOMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _segue; printf '%s ' "\${COMPREPLY[@]}"`;
    return (await run('bash', ['-c', script], { cwd: folder })).stdout.trim();
  };
  assert.equal(await ask('segue', 'rol'), 'rollback');
  assert.equal(await ask('segue', 'deploy', '--v'), '--version');
  assert.equal(await ask('segue', 'completion', ''), 'bash zsh fish');
  assert.match(await ask('segue', 'database', ''), /^(?:\w+ )*lint /);
  assert.equal(await ask('segue', 'database', 'lint', '--fail'), '--fail-on');
  assert.equal(await ask('segue', 'database', 'lint', '--fail-on', 'w'), 'warning');
});

test('colours are for terminals, and for those who ask', async () => {
  const root = await project('colours', service(18_006));
  const escape = String.fromCodePoint(27);
  assert.ok(!(await cli(root, ['check'])).out.includes(escape));
  assert.ok((await cli(root, ['check'], { FORCE_COLOR: '1' })).out.includes(escape));
});
