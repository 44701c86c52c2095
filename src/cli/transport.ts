/** HTTP over control's unix socket. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { ERRORS, type ErrorCode, type Place, SegueError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { API_HEADER, API_VERSION } from '../wire/api-version.ts';
import { LineSplitter } from '../wire/lines.ts';

/** An import of it would load what `fetch` needs as well: a quarter of what a verb takes to start. */
const { request: httpRequest } = process.getBuiltinModule('node:http');

export interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

export class Transport {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  async json(call: Call): Promise<unknown> {
    const response = await this.#send(call);
    const body = await readBody(response);
    if (isSuccess(response)) return parse(body);
    throw errorOf(parse(body), response.statusCode ?? 0);
  }

  /** JSON lines until the other side ends; empty lines are heartbeats and left out. */
  async *lines(call: Call): AsyncGenerator {
    const response = await this.#send(call);
    if (!isSuccess(response)) throw errorOf(parse(await readBody(response)), response.statusCode ?? 0);
    const splitter = new LineSplitter(limits.cli.responseBytesMax);
    try {
      for await (const chunk of response)
        if (chunk instanceof Buffer) yield* splitter.push(chunk).filter(Boolean).map(parse);
    } catch (error) {
      throw gone(error, call);
    } finally {
      response.destroy();
    }
  }

  #send(call: Call): Promise<IncomingMessage> {
    const { method, path, body, signal } = call;
    const text = body === undefined ? '' : JSON.stringify(body);
    const headers = {
      [API_HEADER]: String(API_VERSION),
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    };
    return new Promise((resolve, reject) => {
      const request: ClientRequest = httpRequest(
        { socketPath: this.#socket, path, method, headers, agent: false, ...(signal ? { signal } : {}) },
        resolve,
      );
      request.on('error', (error) => reject(gone(error, call)));
      request.end(text);
    });
  }
}

function isSuccess(response: IncomingMessage): boolean {
  return response.statusCode === 200;
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    if (!(chunk instanceof Buffer)) continue;
    bytes += chunk.length;
    if (bytes > limits.cli.responseBytesMax)
      throw new SegueError('UNEXPECTED', 'Control answered with more than the CLI reads.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new SegueError('BAD_REQUEST', 'Control answered with something other than JSON.');
  }
}

/** Nothing listens, or what listened died: both mean that control does not run now. */
function gone(error: unknown, { signal }: Call): Error {
  if (signal?.aborted) return error instanceof Error ? error : new Error('aborted');
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ECONNREFUSED')
    return new SegueError('CONTROL_NOT_RUNNING', '', { cause: error });
  if (code === 'ECONNRESET' || code === 'EPIPE')
    return new SegueError('CONTROL_NOT_RUNNING', 'It ended while it was asked.', { cause: error });
  if (code === 'EACCES')
    return new SegueError('UNEXPECTED', 'The socket of control belongs to another user.', { cause: error });
  return error instanceof Error ? error : new Error(String(error));
}

function errorOf(body: unknown, status: number): SegueError {
  if (!isRecord(body) || !isErrorCode(body['code']))
    return new SegueError('BAD_REQUEST', `Control answered with HTTP status ${status}.`);
  const { code, detail, place } = body;
  return new SegueError(code, typeof detail === 'string' ? detail : '', isPlace(place) ? { place } : {});
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERRORS, value);
}

function isPlace(value: unknown): value is Place {
  return isRecord(value) && typeof value['file'] === 'string' && typeof value['line'] === 'number';
}
