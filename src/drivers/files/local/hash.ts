import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { limits } from '../../../core/limits.ts';

/** SHA-256 of a file's content, hexadecimal, in bounded memory. */
export async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(size, limits.versions.hashChunkBytes)));
    // Not past the size that it had: a file that grows all the time would never end.
    for (let position = 0; position < size;) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, size - position), position);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
      position += bytesRead;
    }
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}
