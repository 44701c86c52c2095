import { type ClientRequest, request, type IncomingMessage } from 'node:http';
import type { TestContext } from 'node:test';

/** A POST that is under way until it is ended; `begun` resolves when an instance has its head. */
export function beginUpload(t: TestContext, port: number, path = '/') {
  const answer = Promise.withResolvers<string>();
  const begun = Promise.withResolvers<void>();
  // It is told to whoever ends the upload.
  answer.promise.catch(() => undefined);
  const take = (response: IncomingMessage) => {
    let text = '';
    response.on('error', answer.reject);
    response.on('data', (chunk: Buffer) => (text += chunk.toString()));
    response.on('end', () => answer.resolve(text));
  };
  const headers = { 'content-length': 10, expect: '100-continue' };
  const options = { host: '127.0.0.1', port, path, method: 'POST', headers };
  const upload: ClientRequest = request(options, take);
  upload.on('error', answer.reject);
  t.after(() => upload.destroy());
  upload.once('continue', () => {
    upload.write('first');
    begun.resolve();
  });
  upload.flushHeaders();
  return {
    begun: begun.promise,
    end: async () => {
      await Promise.race([begun.promise, answer.promise]);
      upload.end('final');
      return answer.promise;
    },
  };
}
