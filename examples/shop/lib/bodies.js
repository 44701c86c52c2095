import { createHash } from 'node:crypto';

const FORM_BYTES_MAX = 16 * 1024;
const UPLOAD_BYTES_MAX = 64 * 1024 * 1024;

/** The client sent more than it may. What is left of the body is read and thrown away, so that it gets the answer. */
export class BodyTooLarge extends Error {}

export async function readForm(request) {
  const chunks = [];
  await readBody(request, FORM_BYTES_MAX, (chunk) => chunks.push(chunk));
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}

/** Reads a body of any length without keeping it. */
export async function digestBody(request) {
  const hash = createHash('sha256');
  const size = await readBody(request, UPLOAD_BYTES_MAX, (chunk) => hash.update(chunk));
  return { size, sha256: hash.digest('hex') };
}

async function readBody(request, bytesMax, onChunk) {
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += chunk.length;
    if (size > bytesMax) {
      request.resume();
      throw new BodyTooLarge('the body is too large');
    }
    onChunk(chunk);
  }
  return size;
}
