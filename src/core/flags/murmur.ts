/**
 * MurmurHash3 (x86, 32 bits, seed 0) over the characters of a text, as flagd's own evaluator for JavaScript takes
 * them: characters up to U+00FF count as one byte. Where a user lands is a promise; this file never changes.
 */
export function murmur3(text: string): number {
  const { length } = text;
  const whole = length & ~3;
  let hash = 0;
  let at = 0;
  for (; at < whole; at += 4) {
    const last = text.charCodeAt(at + 3);
    const block =
      text.charCodeAt(at) ^
      (text.charCodeAt(at + 1) << 8) ^
      (text.charCodeAt(at + 2) << 16) ^
      ((last & 0xff) << 24) ^
      ((last & 0xff00) >> 8);
    hash ^= scrambled(block);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  const tail = tailOf(text, at);
  // The reference leaves out a tail that is not positive as a signed number.
  if (tail > 0) hash ^= scrambled(tail);
  hash ^= length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function tailOf(text: string, from: number): number {
  const { length } = text;
  let tail = 0;
  if (length > from + 2) tail ^= text.charCodeAt(from + 2) << 16;
  if (length > from + 1) tail ^= text.charCodeAt(from + 1) << 8;
  if (length > from) tail ^= text.charCodeAt(from);
  return tail;
}

function scrambled(block: number): number {
  const mixed = Math.imul(block, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}
