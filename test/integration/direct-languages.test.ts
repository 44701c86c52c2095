/** Hunts examples of docs/direct.md in other languages that do not run, or lose requests when they are replaced. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { eventually } from '../contract/eventually.ts';
import { read } from '../support/repository.ts';
import { assertClean, plainLoad } from '../support/steady-load.ts';
import { DirectSite } from './direct-harness.ts';

interface Language {
  readonly name: string;
  /** Says its version, where it is installed. */
  readonly probe: readonly [string, ...string[]];
  readonly file: string;
  /** Makes it ready to be started, if that is needed; the command that starts it. */
  readonly command: (file: string) => [string, ...string[]];
}

const LANGUAGES: Readonly<Record<string, Language>> = {
  python: {
    name: 'the example in Python',
    probe: ['python3', '--version'],
    file: 'app.py',
    command: (file) => ['python3', file],
  },
  go: {
    name: 'the example in Go',
    probe: ['go', 'version'],
    file: 'main.go',
    command: (file) => {
      const program = path.join(path.dirname(file), 'app');
      execFileSync('go', ['build', '-o', program, file], { stdio: 'pipe' });
      return [program];
    },
  },
};

for (const [fence, { name, probe, file, command }] of Object.entries(LANGUAGES)) {
  const [program, ...args] = probe;
  const missing = spawnSync(program, args).status === 0 ? false : `${program} is not installed`;
  test(name, { skip: missing }, async (t) => {
    const site = await DirectSite.open(t);
    const [, text = ''] =
      new RegExp(`^\`\`\`${fence}\n(.*?)^\`\`\``, 'ms').exec(read('docs/direct.md')) ?? [];
    const source = path.join(site.folder, file);
    await writeFile(source, text);
    const choices = { command: command(source) };
    const start = (version: string) => site.start(version, choices);
    const [first, second] = [await start('v1'), await start('v1')];
    await site.accept([first, second]);
    const load = plainLoad(t, site.port, [
      { kind: 'keep-alive', method: 'GET', path: '/', count: 3, thinkMs: 3 },
      { kind: 'per-request', method: 'GET', path: '/', count: 3, thinkMs: 3 },
    ]);
    const third = await start('v2');
    await site.accept([second, third]);
    await site.retire(first);
    await site.accept([third]);
    await eventually('it is drained', () => site.running(second) === 0);
    // Back to one that stayed warm.
    await site.accept([second, third]);
    await site.accept([second]);
    await site.retire(third);
    const { versions } = await assertClean(load, 200);
    assert.deepEqual(Object.keys(versions).toSorted(), ['v1', 'v2']);
  });
}
