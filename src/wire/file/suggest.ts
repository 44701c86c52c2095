/** What to say about a key that segue.yaml does not have here: where it belongs, or which was meant. */
import { ANY, type KnownMap, knownMaps, sharedParts } from './json-schema.ts';
import { describePath, type Path } from './problem.ts';

export function describeUnknownKey(path: Path, key: string): string {
  const maps = knownMaps();
  const here = keysAt(maps, path);
  const places = placesOf(maps, path, key);
  if (places.length > 0) return `unknown key here; it belongs ${places.join(' or ')}`;
  const near = nearest(key, here);
  if (near) return `unknown key; did you mean ${near}?`;
  return `unknown key; expected one of ${here.join(', ')}`;
}

function keysAt(maps: readonly KnownMap[], path: Path): string[] {
  const here = maps.filter(
    ({ pattern }) => pattern.length === path.length && sharedParts(pattern, path) === path.length,
  );
  return [...new Set(here.flatMap((map) => map.keys))];
}

/** The nearest maps that take the key, if there are few enough to be of help. */
function placesOf(maps: readonly KnownMap[], path: Path, key: string): string[] {
  const candidates = maps
    .filter((map) => map.keys.includes(key))
    .map(({ pattern }) => ({ pattern, shared: sharedParts(pattern, path) }))
    // Another form of the same map has it: that is said by who knows which form is meant.
    .filter(({ pattern, shared }) => pattern.length > shared || shared < path.length)
    .filter(({ pattern, shared }) => !pattern.slice(shared).includes(ANY));
  const most = Math.max(0, ...candidates.map((c) => c.shared));
  const nearby = candidates.filter((c) => c.shared === most);
  const shortest = Math.min(...nearby.map((c) => c.pattern.length));
  const places = nearby
    .filter((c) => c.pattern.length === shortest)
    .map(({ pattern, shared }) => describePlace(path, pattern, shared));
  const distinct = [...new Set(places)];
  return distinct.length <= 2 ? distinct : [];
}

function describePlace(path: Path, pattern: readonly string[], shared: number): string {
  const below = pattern.slice(shared);
  if (shared === path.length) return `under ${describePath(below)}`;
  if (shared === 0 && below.length === 0) return 'at the top of the file';
  return `under ${describePath([...path.slice(0, shared), ...below])}`;
}

export function nearest(word: string, words: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(word.length / 3));
  return words
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance)[0]?.candidate;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + Number(!same));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (before[j - 2] ?? 0) + 1);
      row.push(best);
    }
    before = above;
    above = row;
  }
  return above[b.length] ?? a.length;
}
