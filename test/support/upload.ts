import { type ClientRequest, request, type IncomingMessage } from 'node:http';
import type { TestContext } from 'node:test';

/** A POST that is under way until it is ended. */
export function beginUpload(t: TestContext, port: number) {
  const answer = Promise.withResolvers<string>();
  const take = (response: IncomingMessage) => {
    let text = '';
    response.on('data', (chunk: Buffer) => (text += chunk.toString()));
    response.on('end', () => answer.resolve(text));
  };
  const headers = { 'content-length': 10 };
  const upload: ClientRequest = request({ host: '127.0.0.1', port, method: 'POST', headers }, take);
  upload.on('error', answer.reject);
  t.after(() => upload.destroy());
  upload.write('first');
  return {
    end: () => {
      upload.end('final');
      return answer.promise;
    },
  };
}
