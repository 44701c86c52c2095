/**
 * Bug hunted: a wall between folders that stands on paper only. A small project with the real configuration
 * imports from every folder into every other; tsc, the linter and the scan must each refuse exactly what
 * DESIGN s. 4 does not allow.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { MAY_IMPORT, wallsBroken } from './support/walls.ts';

const root = join(import.meta.dirname, '..');
const folders = Object.keys(MAY_IMPORT);

interface Crossing {
  readonly file: string;
  readonly text: string;
  readonly allowed: boolean;
}

const crossings: readonly Crossing[] = folders.flatMap((from) =>
  folders
    .filter((to) => to !== from)
    .flatMap((to) => {
      const allowed = MAY_IMPORT[from]?.includes(to) ?? false;
      // Two targets, because tsc names a file beyond the wall once only.
      return [
        { file: `src/${from}/to-${to}.ts`, text: `export * from '../${to}/here.ts';\n`, allowed },
        {
          file: `src/${from}/deep/to-${to}.ts`,
          text: `export * from '../../${to}/deep/there.ts';\n`,
          allowed,
        },
      ];
    }),
);

/** What core and direct may not touch beyond the other folders. */
const impurities: readonly Crossing[] = [
  {
    file: 'src/core/node.ts',
    text: `import fs from 'node:fs';\nexport const x = fs.constants;\n`,
    allowed: false,
  },
  { file: 'src/core/package.ts', text: `export { z } from 'zod';\n`, allowed: false },
  { file: 'src/direct/package.ts', text: `export { z } from 'zod';\n`, allowed: false },
];

let project: string;

/** Both tools find something, so their exit codes say nothing. */
function output(program: string, args: readonly string[]): string {
  const file = join(root, 'node_modules', '.bin', program);
  const { stdout, stderr, error } = spawnSync(file, args, { cwd: project, encoding: 'utf8' });
  if (error) throw error;
  return stdout + stderr;
}

function assertRefused(checked: readonly Crossing[], refused: ReadonlySet<string>) {
  const passed = checked.filter((crossing) => !crossing.allowed && !refused.has(crossing.file));
  assert.deepEqual(
    passed.map((crossing) => crossing.file),
    [],
    'walls that let something through',
  );
  const stopped = checked.filter((crossing) => crossing.allowed && refused.has(crossing.file));
  assert.deepEqual(
    stopped.map((crossing) => crossing.file),
    [],
    'walls where there is a door',
  );
}

before(async () => {
  project = await mkdtemp(join(tmpdir(), 'segue-walls-'));
  for (const file of ['package.json', 'tsconfig.json', 'tsconfig.base.json', '.oxlintrc.json'])
    await cp(join(root, file), join(project, file));
  await symlink(join(root, 'node_modules'), join(project, 'node_modules'));
  for (const folder of folders) {
    await mkdir(join(project, 'src', folder, 'deep'), { recursive: true });
    await cp(join(root, 'src', folder, 'tsconfig.json'), join(project, 'src', folder, 'tsconfig.json'));
    await writeFile(join(project, 'src', folder, 'here.ts'), 'export const here = 1;\n');
    await writeFile(join(project, 'src', folder, 'deep', 'there.ts'), 'export const there = 2;\n');
  }
  for (const { file, text } of [...crossings, ...impurities]) await writeFile(join(project, file), text);
});

after(() => rm(project, { recursive: true, force: true }));

test('tsc keeps the walls', () => {
  const report = output('tsc', ['-b', '--pretty', 'false']);
  const refused = new Set(
    [...report.matchAll(/^(src\/[^(]+)\(\d+,\d+\): error/gm)].map(([, file = '']) => file),
  );
  // A package without types of Node compiles; that nobody imports one here is the linter's and the scan's to say.
  assertRefused([...crossings, ...impurities.filter((i) => !i.file.endsWith('/package.ts'))], refused);
});

test('the linter keeps the walls', () => {
  const report = output('oxlint', ['--format=unix', 'src']);
  const lines = report.split('\n').filter((line) => line.includes('no-restricted-imports'));
  const refused = new Set(lines.map((line) => line.slice(line.indexOf('src/')).replace(/:.*$/, '')));
  assertRefused([...crossings, ...impurities], refused);
});

test('the scan keeps the walls', () => {
  const all = [...crossings, ...impurities];
  const refused = new Set(
    all.filter(({ file, text }) => wallsBroken(file, text).length > 0).map((c) => c.file),
  );
  assertRefused(all, refused);
});

test('the scan sees every way to import', () => {
  const ways = [
    `import { a } from '../control/a.ts';`,
    `import type { A } from "../control/a.ts";`,
    `import {\n  a,\n  b,\n} from '../control/a.ts';`,
    `import '../control/a.ts';`,
    `export * from '../control/a.ts';`,
    `const a = await import('../control/a.ts');`,
    `import { a } from '../../test/support/a.ts';`,
  ];
  for (const text of ways) assert.equal(wallsBroken('src/gateway/x.ts', text).length, 1, text);
  const none = [
    `// import '../control/a.ts'`,
    `const x = "taken from '../control/a.ts'";`,
    `import './b.ts';`,
  ];
  for (const text of none) assert.deepEqual(wallsBroken('src/gateway/x.ts', text), [], text);
});
