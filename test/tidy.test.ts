/**
 * Bugs hunted: time and chance that no test can steer, exits that skip the clean-up, walls broken, files that
 * outgrew a reader, left-overs, and pages that name what is not there. One test per rule of CONTRIBUTING.md.
 * Letters in brackets keep this file from matching itself.
 */
import assert from 'node:assert/strict';
import { basename } from 'node:path';
import test from 'node:test';
import { ERRORS } from '../src/core/errors.ts';
import { limits } from '../src/core/limits.ts';
import { SEGUE_VERSION } from '../src/wire/version.ts';
import { exists, filesMatching, findAll, read, type TextFile } from './support/repository.ts';
import { wallsBroken } from './support/walls.ts';

const everything = filesMatching('**/*', '.ci/*', '.github/**/*', '.*');
const code = everything.filter(({ path }) => /\.(?:ts|mjs|js)$/.test(path));
const tests = code.filter(({ path }) => path.endsWith('.test.ts'));
const source = code.filter(({ path }) => path.startsWith('src/') && !path.endsWith('.test.ts'));

const linesMax = 400;
const linesWorthALook = 300;

const without = (files: readonly TextFile[], ...places: readonly RegExp[]) =>
  files.filter(({ path }) => !places.some((place) => place.test(path)));

interface Ban {
  readonly what: string;
  readonly pattern: RegExp;
  readonly files: readonly TextFile[];
}

const CLOCKS = [/^src\/drivers\/clock\//, /^src\/gateway\/clock\.ts$/, /^src\/main\//];

const BANS: readonly Ban[] = [
  {
    what: 'clocks are injected',
    pattern: /\bDate\.now\(|\bperformance\.now\(|\bnew Date\(\)|\bprocess\.hrtime\b/,
    files: without(source, ...CLOCKS),
  },
  { what: 'chance is injected', pattern: /\bMath\.random\(/, files: without(source, ...CLOCKS) },
  {
    what: 'only a composition root ends its process',
    pattern: /\bprocess\.exit\(/,
    // What users import ends their program for them.
    files: without(source, /^src\/main\//, /^src\/direct\/serve-direct\.ts$/),
  },
  {
    what: 'output goes through the CLI or the log',
    pattern: /\bconsole\.\w+\(/,
    files: without(source, /^src\/main\//),
  },
  { what: 'work is finished, not noted', pattern: /\b(?:FIX[M]E|TO[D]O|XX[X]|HAC[K])\b/, files: everything },
  {
    what: 'types are told the truth',
    pattern: /\bas any(?=\s*(?:[;,)\]}.[]|$))|@ts-(?:ignore|nocheck)\b(?!['`/])/,
    files: code,
  },
  { what: 'no test keeps the others out', pattern: /\b(?:test|it|describe|suite)\.only\(/, files: tests },
  {
    what: 'nothing of one machine',
    pattern: /(?<![\w.:-])\/(?:work|root)(?:\/|\b(?![\w-]))|\bregistry\.npm|\bnpmmirror\b/,
    files: everything,
  },
  {
    what: 'nothing of who typed it',
    pattern: /\bas an A[I]\b|\b(?:anthropi[c]|openA[I]|chatgp[t]|language mode[l])\b/i,
    files: everything,
  },
];

for (const { what, pattern, files } of BANS)
  test(`banned words: ${what}`, () => {
    assert.ok(files.length > 0, 'looked at nothing');
    assert.deepEqual(findAll(files, pattern), []);
  });

test('imports stay inside the walls', () => {
  assert.deepEqual(
    source.flatMap(({ path, text }) => wallsBroken(path, text)),
    [],
  );
});

test(`no file of code is longer than ${linesMax} lines`, (t) => {
  const lengths = code.map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }));
  for (const { path, lines } of lengths.filter((file) => file.lines > linesWorthALook))
    t.diagnostic(`${path} has ${lines} lines`);
  assert.deepEqual(
    lengths.filter(({ lines }) => lines > linesMax),
    [],
  );
});

test('file names are in kebab-case', () => {
  const conventional = /^(?:README|CONTRIBUTING|CHANGELOG)\.md$|^LICENSE$|^Dockerfile$|^Procfile$/;
  const odd = everything
    .map(({ path }) => path)
    .filter((path) => !conventional.test(basename(path)))
    .filter((path) => !/^(?:\.?[a-z0-9]+(?:[-.][a-z0-9]+)*\/?)+$/.test(path));
  assert.deepEqual(odd, []);
});

test('every test file opens with the bug that it hunts', () => {
  const silent = tests.filter(({ text }) => !/^\/\*\*[\s\S]{40,}?\*\//.test(text)).map(({ path }) => path);
  assert.deepEqual(silent, []);
});

test('every limit is kept by some code', () => {
  const users = without(source, /^src\/core\/(?:\w+\/)?(?:\w+-)?limits\.ts$/).map(({ text }) => text);
  const idle = Object.entries(limits).flatMap(([group, names]) =>
    Object.keys(names)
      .filter((name) => !users.some((text) => new RegExp(`\\b${name}\\b`).test(text)))
      .map((name) => `${group}.${name}`),
  );
  assert.deepEqual(idle, []);
});

test('every error can happen', () => {
  const idle = Object.keys(ERRORS).filter((name) => !source.some(({ text }) => text.includes(`'${name}'`)));
  assert.deepEqual(idle, []);
});

test('versions of packages are exact, and Segue has one version', () => {
  const { version, dependencies, devDependencies } = JSON.parse(read('package.json'));
  for (const [name, wanted] of Object.entries({ ...dependencies, ...devDependencies }))
    assert.match(String(wanted), /^\d+\.\d+\.\d+(?:-[\w.]+)?$/, name);
  assert.equal(SEGUE_VERSION, version);
  assert.equal(JSON.parse(read('package-lock.json')).version, version);
});

/** Places are in backticks; a part in angle brackets stands for a name of the reader's choice. */
test('every place that CONTRIBUTING.md sends people to exists', () => {
  const rows = [...read('CONTRIBUTING.md').matchAll(/^\|.*\|$/gm)].map(([row]) => row);
  const places = rows.flatMap((row) => [...row.matchAll(/`([^`]*\/[^`]*)`/g)].map(([, place = '']) => place));
  assert.ok(places.length > 10, 'the table is gone');
  const missing = places.filter((place) => !exists(place.replace(/[^/]*<.*$/, '')));
  assert.deepEqual(missing, []);
});
