/**
 * Memory of what was read, given back at once. Each read of a socket is an allocation of its own, and those of a
 * large upload would lie about by the ten megabytes until the collector finds them worth a look.
 */

/** Less is not worth it, and shares its memory with others. */
const WORTH_BYTES = 12 * 1024;

/** Whoever has all of it may give it back. */
export function ownBuffer(size: number): Buffer {
  return size < WORTH_BYTES ? Buffer.allocUnsafe(size) : Buffer.allocUnsafeSlow(size);
}

/** Nobody may look at these bytes any more, nor at any part of them. */
export function giveBack(bytes: Buffer): void {
  const { buffer, byteLength } = bytes;
  if (byteLength < WORTH_BYTES || buffer.byteLength !== byteLength) return;
  // Detaches it: what it had is freed before this returns.
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}
