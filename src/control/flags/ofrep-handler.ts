/** OFREP over HTTP: single and bulk evaluation, and event streams. Everything that comes in is somebody else's. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  OFREP_PATH,
  OFREP_STREAM_PATH,
  ofrepOf,
  type OfrepFailure,
  readOfrep,
} from '../../core/flags/ofrep.ts';
import { limits } from '../../core/limits.ts';
import { hashOf } from '../secrets.ts';
import type { FlagDesk } from './flag-desk.ts';
import type { FlagStreams } from './flag-streams.ts';
import { keyOf, type OfrepClient } from './ofrep-keys.ts';

export interface OfrepOptions {
  readonly desk: FlagDesk;
  readonly streams: FlagStreams;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  /** Null: whoever can reach it may ask for everything, such as the owner of a socket. */
  readonly clients: readonly OfrepClient[] | null;
  readonly origins: readonly string[];
}

/** The client is null where nobody has to say who they are. */
interface Asking {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly client: OfrepClient | null;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
}

export class OfrepHandler {
  readonly #options: OfrepOptions;

  constructor(options: OfrepOptions) {
    this.#options = options;
  }

  /** False: it is nothing of OFREP. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    if (!path.startsWith('/ofrep/')) return false;
    const headers = this.#crossOrigin(request);
    if (request.method === 'OPTIONS') answer(response, 204, null, headers);
    else void this.#handle(path, { request, response, headers, query: new URLSearchParams(query) });
    return true;
  }

  async #handle(path: string, given: Omit<Asking, 'client'>): Promise<void> {
    const { response, headers } = given;
    try {
      const client = this.#clientOf(path, given);
      if (client === undefined)
        return answer(response, 401, { errorDetails: 'A key is missing, or wrong.' }, headers);
      const waitS = client?.wait(this.#options.monotonicMs()) ?? 0;
      if (waitS > 0) return tooMany(given, waitS);
      await this.#route(path, { ...given, client });
    } catch (error) {
      if (!response.headersSent) answer(response, 500, { errorDetails: describe(error) }, headers);
      else response.destroy();
    }
  }

  #route(path: string, asking: Asking): Promise<void> | void {
    const { request, response, headers } = asking;
    if (path === OFREP_STREAM_PATH && request.method === 'GET') return this.#stream(asking);
    const flag = flagIn(path);
    if (flag === null) return answer(response, 404, { errorDetails: `There is no ${path}.` }, headers);
    if (request.method !== 'POST')
      return answer(response, 405, { errorDetails: 'Use POST.' }, { ...headers, allow: 'POST' });
    return flag === '' ? this.#bulk(asking) : this.#single(asking, flag);
  }

  async #single({ request, response, client, headers }: Asking, flag: string): Promise<void> {
    const text = await bodyOf(request);
    if (client && !client.mayAsk(flag))
      return answer(
        response,
        403,
        { key: flag, errorDetails: 'This key may not ask for this flag.' },
        headers,
      );
    const read = text === null ? TOO_LARGE : readOfrep(text);
    if (!read.ok) {
      const { errorCode, errorDetails } = read;
      return answer(response, 400, { key: flag, errorCode, errorDetails } satisfies OfrepFailure, headers);
    }
    // A web page says what it likes, and is no version of a service.
    if (request.headers.origin === undefined) this.#options.desk.hear(flag, read.context);
    const result = ofrepOf(this.#options.desk.evaluate(flag, read.context, client?.name ?? 'socket'));
    const status = 'errorCode' in result ? (result.errorCode === 'FLAG_NOT_FOUND' ? 404 : 400) : 200;
    answer(response, status, result, headers);
  }

  async #bulk({ request, response, client, query, headers }: Asking): Promise<void> {
    const { desk } = this.#options;
    const text = await bodyOf(request);
    const read = text === null ? TOO_LARGE : readOfrep(text);
    if (!read.ok) {
      const { errorCode, errorDetails } = read;
      return answer(response, 400, { errorCode, errorDetails } satisfies OfrepFailure, headers);
    }
    // They know of a newer state than this one, so the files are newer than what is in force.
    const known = query.get('flagConfigEtag');
    if (known !== null && known !== desk.etag) await desk.look();
    const keys = desk.set.keys.filter((key) => client?.mayAsk(key) ?? true);
    const flags = keys.map((key) => ofrepOf(desk.evaluate(key, read.context, client?.name ?? 'socket')));
    const body = JSON.stringify({
      flags,
      metadata: { etag: desk.etag },
      eventStreams: [this.#streamOf(client)],
    });
    const etag = `"${hashOf(JSON.stringify(flags)).slice(0, 32)}"`;
    const all = { ...headers, etag, 'cache-control': 'no-cache' };
    if (matches(request.headers['if-none-match'], etag)) return answer(response, 304, null, all);
    answer(response, 200, body, all);
  }

  #stream({ request, response, headers }: Asking): void {
    if (this.#options.streams.isFull) return tooMany({ response, headers }, limits.flags.streamRetryS);
    request.resume();
    this.#options.streams.add(response, headers);
  }

  #streamOf(client: OfrepClient | null) {
    const token = client === null ? '' : `?token=${client.streamToken(this.#options.nowMs())}`;
    const requestUri = `${OFREP_STREAM_PATH}${token}`;
    return { type: 'sse', endpoint: { requestUri }, inactivityDelaySec: limits.flags.inactivityS };
  }

  /** Undefined: nobody who may ask. */
  #clientOf(path: string, { request, query }: Omit<Asking, 'client'>): OfrepClient | null | undefined {
    const { clients, nowMs } = this.#options;
    if (clients === null) return null;
    const key = keyOf(request);
    if (key !== null) return clients.find((client) => client.has(key));
    const token = path === OFREP_STREAM_PATH ? query.get('token') : null;
    return token === null ? undefined : clients.find((client) => client.hasToken(token, nowMs()));
  }

  #crossOrigin({ headers }: IncomingMessage): Readonly<Record<string, string>> {
    const { origins } = this.#options;
    const { origin } = headers;
    if (origin === undefined || !(origins.includes('*') || origins.includes(origin))) return {};
    return {
      'access-control-allow-origin': origin,
      vary: 'Origin',
      'access-control-allow-methods': 'POST, GET, OPTIONS',
      'access-control-allow-headers': 'authorization, x-api-key, content-type, if-none-match',
      'access-control-expose-headers': 'etag, retry-after',
      'access-control-max-age': '600',
    };
  }
}

const TOO_LARGE = {
  ok: false,
  errorCode: 'INVALID_CONTEXT',
  errorDetails: 'The body is too large.',
} as const;

/** Empty: all of them. Null: it is no flag's path. */
function flagIn(path: string): string | null {
  if (path === OFREP_PATH || path === `${OFREP_PATH}/`) return '';
  if (!path.startsWith(`${OFREP_PATH}/`)) return null;
  try {
    return decodeURIComponent(path.slice(OFREP_PATH.length + 1));
  } catch {
    return null;
  }
}

/** RFC 9110 s. 13.1.2: weak comparison, any of a list. */
function matches(given: string | undefined, etag: string): boolean {
  if (given === undefined) return false;
  return given.split(',').some((one) => ['*', etag].includes(one.trim().replace(/^W\//, '')));
}

function tooMany({ response, headers }: Pick<Asking, 'response' | 'headers'>, waitS: number): void {
  answer(response, 429, { errorDetails: 'Too many requests.' }, { ...headers, 'retry-after': String(waitS) });
}

/** Null: it is larger than it may be. */
async function bodyOf(request: IncomingMessage): Promise<string | null> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    if (!(part instanceof Buffer)) continue;
    bytes += part.length;
    if (bytes > limits.flags.contextBytesMax) return null;
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

function answer(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>>,
): void {
  const text = body === null ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  const type = text === '' ? {} : { 'content-type': 'application/json; charset=utf-8' };
  response.writeHead(status, { ...headers, ...type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

const describe = (error: unknown) => (error instanceof Error ? error.message : String(error));
