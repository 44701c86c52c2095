/** What zod found, in the words of the user: where, what was expected, and what stands there. */
import type * as z from 'zod';
import { describePath, type Path } from './problem.ts';
import { describeUnknownKey } from './suggest.ts';
import { find, type Tree } from './tree.ts';

export interface Finding {
  readonly path: Path;
  readonly message: string;
  /** True when the key is wrong rather than its value. */
  readonly atKey: boolean;
}

type Issue = z.core.$ZodIssue;

export function explain(
  issues: readonly Issue[],
  tree: Tree,
  under: Path = [],
  unknownKey = describeUnknownKey,
): Finding[] {
  return issues.flatMap((issue) => explainOne(issue, tree, [...under, ...pathOf(issue)], unknownKey));
}

function explainOne(issue: Issue, tree: Tree, path: Path, unknownKey: typeof describeUnknownKey): Finding[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => {
      const whole = [...path, key];
      return { path: whole, message: withPath(whole, unknownKey(path, key)), atKey: true };
    });
  if (issue.code === 'invalid_key') {
    const expected = issue.issues[0]?.message ?? issue.message;
    const message = `${describePath(path)}: expected ${expected}, got "${String(path.at(-1))}"`;
    return [{ path, message, atKey: true }];
  }
  if (issue.code === 'invalid_type' && issue.expected === 'never')
    return [{ path, message: withPath(path, issue.message), atKey: true }];
  const branch = issue.code === 'invalid_union' ? meantBranch(issue.errors) : undefined;
  if (branch) return explain(branch, tree, path, unknownKey);
  return [{ path, message: withPath(path, describeMismatch(issue.message, tree, path)), atKey: false }];
}

/** The form that the user began to write: the one whose kind of value fits and that has least to correct. */
function meantBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const fitting = branches.filter((issues) => !issues.some(isOtherKind));
  return fitting.toSorted((a, b) => a.length - b.length)[0];
}

const OTHER_KIND: ReadonlySet<string> = new Set(['invalid_type', 'invalid_value', 'invalid_union']);

function isOtherKind(issue: Issue): boolean {
  return issue.path.length === 0 && OTHER_KIND.has(issue.code);
}

function describeMismatch(expected: string, tree: Tree, path: Path): string {
  const found = find(tree, path);
  if (!found.whole) return `is missing; expected ${expected}`;
  return `expected ${expected}, got ${describeTree(found.tree)}`;
}

function withPath(path: Path, message: string): string {
  if (path.length === 0) return message;
  return message.startsWith('is ') ? `${describePath(path)} ${message}` : `${describePath(path)}: ${message}`;
}

function describeTree(tree: Tree): string {
  switch (tree.kind) {
    case 'map':
      return tree.entries.size === 0 ? 'an empty map' : `a map with ${listed([...tree.entries.keys()])}`;
    case 'list':
      return tree.items.length === 0 ? 'an empty list' : 'a list';
    case 'scalar':
      if (tree.value === null) return 'nothing';
      if (typeof tree.value === 'string') return `"${shortened(tree.value)}"`;
      return `${shortened(tree.source)} (${typeof tree.value === 'number' ? 'a number' : 'true or false'})`;
  }
}

function listed(words: readonly string[]): string {
  return words.length > 4 ? `${words.slice(0, 4).join(', ')}, ...` : words.join(', ');
}

function shortened(value: string): string {
  const line = value.replace(/\s+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}

function pathOf(issue: Issue): Path {
  return issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
}
