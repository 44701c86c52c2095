import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkAnswer, jsonOf } from './answers.ts';
import { pause, type Context } from './context.ts';
import { RequestFailure } from './failure.ts';
import { Line, type HttpRequest } from './line.ts';
import { LOAD_LIMITS, type Uploads } from './options.ts';
import type { Answer } from './tally.ts';

/** Uploads one body after the other, each slowly enough to be under way while something changes. */
export async function runUploads(context: Context, uploads: Uploads): Promise<void> {
  const { path = '/upload', bytes = 256 * 1024, thinkMs = 0 } = uploads;
  const body = Buffer.alloc(bytes, 'what is sent must arrive, whoever is released meanwhile. ');
  const sha256 = createHash('sha256').update(body).digest('hex');
  const request = uploadRequest(uploads, path, body);
  const line = new Line(context, 'keep-alive');
  while (!context.stopping.aborted) {
    const answer = await context.tally.request(
      { method: 'POST', path, timed: false, fromMs: performance.now() },
      () => line.send(request),
      (got) => checkUpload(got, bytes, sha256),
    );
    if (!answer) line.close();
    await pause(answer ? thinkMs : LOAD_LIMITS.afterFailureMs, context.stopping);
  }
  line.close();
}

function uploadRequest(uploads: Uploads, path: string, body: Buffer): HttpRequest {
  const { pieces: count = 8, betweenPiecesMs = 50, framing = 'length' } = uploads;
  const size = Math.ceil(body.length / count);
  const chunked = framing === 'chunked';
  const pieces = async function* () {
    for (let at = 0; at < body.length; at += size) {
      if (at > 0) await sleep(betweenPiecesMs);
      const piece = body.subarray(at, at + size);
      yield chunked
        ? Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')])
        : piece;
    }
    if (chunked) yield '0\r\n\r\n';
  };
  const framed = chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': `${body.length}` };
  return {
    method: 'POST',
    path,
    headers: { 'content-type': 'application/octet-stream', ...framed },
    pieces,
  };
}

function checkUpload(answer: Answer, bytes: number, sha256: string): void {
  checkAnswer(answer, { status: 200 });
  const got = jsonOf(answer);
  if (got.size !== bytes || got.sha256 !== sha256)
    throw new RequestFailure('body', `another upload arrived: ${JSON.stringify(got)}`);
}
