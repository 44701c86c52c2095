/** A fast hash without secrets: for sharing out, never for proving anything. Salted, so that nobody can aim. */

/** 32 bits, unsigned: FNV-1a, then the finalizer of MurmurHash3, which spreads every bit over all others. */
export function hashOf(text: string, salt = 0): number {
  let hash = (0x811c9dc5 ^ salt) | 0;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mixed(hash);
}

export function mixed(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * The one that this key belongs to (rendezvous hashing): the same whoever asks and in whichever order they are
 * given, and when one is added or leaves, only the keys that go there or were there move.
 */
export function rendezvous<T>(
  key: number,
  candidates: readonly T[],
  hashOfCandidate: (candidate: T) => number,
): T | undefined {
  let best: T | undefined;
  let bestScore = -1;
  for (const candidate of candidates) {
    const score = mixed(key ^ hashOfCandidate(candidate));
    if (score <= bestScore) continue;
    best = candidate;
    bestScore = score;
  }
  return best;
}
