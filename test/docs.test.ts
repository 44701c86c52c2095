/**
 * Bugs hunted: pages that name a command, a script or a file that is not there, and a page of errors that
 * says something else than the program.
 */
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path/posix';
import test from 'node:test';
import { MADE_PAGES, renderPage } from '../scripts/docs.ts';
import { VERBS } from '../src/cli/commands/index.ts';
import { ERRORS } from '../src/core/errors.ts';
import { exists, filesMatching, read, type TextFile } from './support/repository.ts';

const pages = filesMatching('*.md', 'docs/**/*.md', 'examples/**/*.md');
const { scripts } = JSON.parse(read('package.json'));
const verbs = new Set(
  VERBS.flatMap(({ name, verbs: inside = [] }) => [name, ...inside.map((verb) => `${name} ${verb.name}`)]),
);
const groups = new Set(VERBS.filter(({ verbs: inside }) => inside).map(({ name }) => name));

const codeOf = (page: TextFile) =>
  [...page.text.matchAll(/```[^\n]*\n([\s\S]*?)```|`([^`\n]+)`/g)].map(
    ([, block, span]) => block ?? span ?? '',
  );

/** What follows `segue` at the beginning of a command: `segue up`, `$ npx segue deploy web`, `segue database lint`. */
const verbsIn = (text: string) =>
  [...text.matchAll(/^(?:\$ )?(?:npx )?segue ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?/gm)].map(
    ([, verb = '', inside]) => (groups.has(verb) && inside !== undefined ? `${verb} ${inside}` : verb),
  );

for (const page of MADE_PAGES)
  test(`${page} says what the program says`, () => {
    const text = read(page);
    assert.ok(text === renderPage(page, text), 'stale: run "npm run docs"');
  });

test('docs/errors.md has every error, each once', () => {
  const listed = [...read('docs/errors.md').matchAll(/^### `([A-Z_]+)`$/gm)].map(([, code]) => code);
  assert.equal(listed.length, Object.keys(ERRORS).length);
  assert.deepEqual(new Set(listed), new Set(Object.keys(ERRORS)));
});

test('every npm script named in a page exists', () => {
  const named = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/\bnpm run (?:--silent )?([a-z][\w:-]*)/g)].map(([, name = '']) => ({ path, name })),
  );
  assert.deepEqual(
    named.filter(({ name }) => !Object.hasOwn(scripts, name)),
    [],
  );
});

test('every npm script runs a file that exists', () => {
  for (const [name, line] of Object.entries(scripts))
    for (const [file] of String(line).matchAll(/\b(?:scripts|bench|examples)\/[\w./-]+/g))
      assert.ok(exists(file), `${name}: ${file}`);
});

test('every verb named in a page exists', () => {
  const named = pages.flatMap((page) =>
    codeOf(page).flatMap((text) => verbsIn(text).map((verb) => ({ path: page.path, verb }))),
  );
  assert.deepEqual(
    named.filter(({ verb }) => !verbs.has(verb)),
    [],
  );
});

test('every verb that an error sends people to exists', () => {
  for (const [code, { next }] of Object.entries(ERRORS))
    for (const [, command = ''] of next.matchAll(/"([^"]+)"/g))
      for (const verb of verbsIn(command)) assert.ok(verbs.has(verb), `${code}: segue ${verb}`);
});

test('every link to a file leads somewhere', () => {
  const broken = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)\s#]+)[^)]*\)/g)]
      .filter(([, target = '']) => !exists(join(dirname(path), target)))
      .map(([, target]) => `${path}: ${target}`),
  );
  assert.deepEqual(broken, []);
});
