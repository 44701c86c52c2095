/**
 * The file as a tree in which every value knows its place, so that a problem found in a merged or defaulted
 * value still points at the line that the user wrote.
 */
import { limits } from '../../core/limits.ts';
import type { Path } from './problem.ts';

/** Lines and columns count from 1. */
export interface Spot {
  readonly line: number;
  readonly column: number;
}

export type Scalar = string | number | boolean | null;

export type Tree =
  | { readonly kind: 'map'; readonly spot: Spot; readonly entries: ReadonlyMap<string, Entry> }
  | { readonly kind: 'list'; readonly spot: Spot; readonly items: readonly Tree[] }
  | { readonly kind: 'scalar'; readonly spot: Spot; readonly value: Scalar; readonly source: string };

export interface Entry {
  readonly keySpot: Spot;
  readonly tree: Tree;
}

/** What a path leads to, or how far it leads: a missing key is reported where its parent begins. */
export interface Found {
  readonly tree: Tree;
  readonly keySpot: Spot;
  readonly whole: boolean;
}

export function find(root: Tree, path: Path): Found {
  let found: Found = { tree: root, keySpot: root.spot, whole: true };
  for (const part of path) {
    const next = child(found.tree, part);
    if (!next) return { ...found, whole: false };
    found = { tree: next.tree, keySpot: next.keySpot, whole: true };
  }
  return found;
}

function child(tree: Tree, part: string | number): Entry | undefined {
  if (tree.kind === 'map') return tree.entries.get(String(part));
  const item = tree.kind === 'list' && typeof part === 'number' ? tree.items[part] : undefined;
  return item && { keySpot: item.spot, tree: item };
}

/** Maps merge, everything else replaces; each value keeps the place of the file it came from. */
export function merge(base: Tree, over: Tree): Tree {
  if (base.kind !== 'map' || over.kind !== 'map') return over;
  const entries = new Map(base.entries);
  for (const [key, entry] of over.entries) {
    const below = entries.get(key);
    entries.set(key, below ? { keySpot: entry.keySpot, tree: merge(below.tree, entry.tree) } : entry);
  }
  return { kind: 'map', spot: over.spot, entries };
}

/** A map without some of its keys. */
export function without(tree: Tree, ...keys: readonly string[]): Tree {
  if (tree.kind !== 'map') return tree;
  return { ...tree, entries: new Map([...tree.entries].filter(([key]) => !keys.includes(key))) };
}

/** The plain value. Texts asked for `asWritten` keep their source: `VERSION: 1.10` must not become `1.1`. */
export function plain(tree: Tree, asWritten: (path: Path) => boolean, path: Path = []): unknown {
  switch (tree.kind) {
    case 'map':
      return Object.fromEntries(
        [...tree.entries].map(([key, entry]) => [key, plain(entry.tree, asWritten, [...path, key])]),
      );
    case 'list':
      return tree.items.map((item, index) => plain(item, asWritten, [...path, index]));
    case 'scalar':
      return tree.value !== null && asWritten(path) ? tree.source : tree.value;
  }
}

/** True when `tree` is `root` or lies in it. */
export function contains(root: Tree, tree: Tree): boolean {
  if (root === tree) return true;
  if (root.kind === 'map') return [...root.entries.values()].some((entry) => contains(entry.tree, tree));
  return root.kind === 'list' && root.items.some((item) => contains(item, tree));
}

/** Counts what is read, aliases expanded, so that a small file cannot become a huge or endless tree. */
export class TreeBudget {
  #nodes = 0;

  /** Undefined while there is room; otherwise what was too much. */
  spend(depth: number): string | undefined {
    this.#nodes += 1;
    if (depth > limits.file.depthMax) return `nested more than ${limits.file.depthMax} levels deep`;
    if (this.#nodes > limits.file.nodesMax)
      return `more than ${limits.file.nodesMax} values, aliases included`;
    return undefined;
  }
}
