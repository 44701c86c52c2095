/** Bugs hunted: a shell put between control and program without need, and a shell's command run without one. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { SegueError } from '../../../core/errors.ts';
import { resolveCommand, wordsOf } from './command.ts';

describe('wordsOf', () => {
  const cases: readonly (readonly [string | readonly string[], readonly string[]])[] = [
    ['node server.js --port=80', ['node', 'server.js', '--port=80']],
    ['  ./bin/app   a@b,c:d%e+f ', ['./bin/app', 'a@b,c:d%e+f']],
    [
      ['a b', '$PORT'],
      ['a b', '$PORT'],
    ],
    ['', []],
    ['node server.js $PORT', ['/bin/sh', '-c', 'node server.js $PORT']],
    ['node "server.js"', ['/bin/sh', '-c', 'node "server.js"']],
    ['a\nb', ['/bin/sh', '-c', 'a\nb']],
    ['DEBUG=1 node server.js', ['/bin/sh', '-c', 'DEBUG=1 node server.js']],
    ['exec node server.js', ['/bin/sh', '-c', 'exec node server.js']],
    ['~/bin/app', ['/bin/sh', '-c', '~/bin/app']],
  ];
  for (const [command, words] of cases) {
    it(JSON.stringify(command), () => assert.deepEqual(wordsOf(command), words));
  }
});

describe('resolveCommand', () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'segue-command-'));
    for (const name of ['a', 'b', 'b/app']) mkdirSync(join(dir, name));
    mkdirSync(join(dir, 'a/app'));
    writeFileSync(join(dir, 'a/tool'), '', { mode: 0o644 });
    writeFileSync(join(dir, 'b/tool'), '', { mode: 0o755 });
    symlinkSync('tool', join(dir, 'b/link'));
  });
  after(() => rmSync(dir, { recursive: true }));

  const resolveIn = (command: string, path?: string) =>
    resolveCommand(command, { dir, env: path === undefined ? {} : { PATH: path } });
  const refused = (command: string, code: string, path: string) =>
    assert.throws(
      () => resolveIn(command, path),
      (error) => error instanceof SegueError && error.code === code,
    );

  it('searches PATH past folders and what is not executable', () => {
    const tool = { file: join(dir, 'b/tool'), args: ['x'] };
    assert.deepEqual(resolveIn('tool x', `${dir}/a:${dir}/b`), tool);
    assert.deepEqual(resolveIn('tool x', 'a:b'), tool, 'relative to the released folder');
    assert.deepEqual(resolveIn('b/tool x', ''), tool);
    assert.equal(resolveIn('link', `${dir}/b`).file, join(dir, 'b/link'));
    assert.equal(resolveIn('sh').file.endsWith('/sh'), true, 'without PATH');
  });

  it('says what is wrong before anything runs', () => {
    refused('tool', 'SPAWN_FAILED', `${dir}/a`);
    refused('app', 'COMMAND_NOT_FOUND', `${dir}/a:${dir}/b`);
    refused('./tool', 'COMMAND_NOT_FOUND', `${dir}/b`);
    refused('', 'COMMAND_NOT_FOUND', `${dir}/b`);
  });
});
