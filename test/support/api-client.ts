/** Talks to control as the CLI does, without the CLI: for tests that look at single answers. */
import { request } from 'node:http';
import path from 'node:path';
import { API_HEADER, API_VERSION, type ApiError } from '../../src/wire/api.ts';

export class ApiFailure extends Error {
  readonly error: ApiError;

  constructor(error: ApiError) {
    super(`${error.code}: ${error.what} ${error.detail}`);
    this.error = error;
  }
}

export async function callApi<T>(root: string, method: string, url: string, body?: unknown): Promise<T> {
  const { status, text } = await exchange(root, method, url, body);
  const answer: unknown = JSON.parse(text);
  if (status >= 400) throw new ApiFailure(answer as ApiError);
  return answer as T;
}

/** An answer that takes its time, such as the events of a release: resolves when it has ended. */
export async function untilApiEnds(root: string, url: string): Promise<void> {
  const { status, text } = await exchange(root, 'GET', url, undefined);
  if (status >= 400) throw new ApiFailure(JSON.parse(text) as ApiError);
}

function exchange(root: string, method: string, url: string, body: unknown) {
  const socketPath = path.relative(process.cwd(), path.join(root, '.segue/control.sock'));
  const headers = {
    [API_HEADER]: String(API_VERSION),
    'content-type': 'application/json',
    connection: 'close',
  };
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const call = request({ socketPath, method, path: url, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
      );
    });
    call.on('error', reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
