/** OFREP over HTTP: single and bulk evaluation, and event streams. Everything that comes in is somebody else's. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
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
import type { StreamRequest } from './stream-request.ts';

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
    const headers = this.#crossOrigin(request.headers);
    if (request.method === 'OPTIONS') answer(response, 204, null, headers);
    else void this.#handle(path, { request, response, headers, query: new URLSearchParams(query) });
    return true;
  }

  /** For a stream that may begin at once, the headers of its answer; null: `handle` knows what to say. */
  streamHeaders({ url, headers }: StreamRequest): Readonly<Record<string, string>> | null {
    const { streams, monotonicMs } = this.#options;
    const [path = '', query = ''] = url.split('?', 2);
    const client = this.#clientOf(path, { headers, query: new URLSearchParams(query) });
    if (path !== OFREP_STREAM_PATH || client === undefined || streams.isFull) return null;
    return (client?.wait(monotonicMs()) ?? 0) > 0 ? null : this.#crossOrigin(headers);
  }

  async #handle(path: string, given: Omit<Asking, 'client'>): Promise<void> {
    const { response, headers } = given;
    try {
      const client = this.#clientOf(path, { headers: given.request.headers, query: given.query });
      if (client === undefined)
        return answer(response, 401, NO_KEY, { ...headers, 'www-authenticate': 'Bearer' });
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
    const isStream = path === OFREP_STREAM_PATH;
    const flag = flagIn(path);
    if (!isStream && flag === null)
      return answer(response, 404, { errorDetails: `There is no ${path}.` }, headers);
    const allow = isStream ? 'GET' : 'POST';
    if (request.method !== allow)
      return answer(response, 405, { errorDetails: `Use ${allow}.` }, { ...headers, allow });
    if (flag === null) return this.#stream(asking);
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
    // They were told of another state than this one, so the files may be newer than what is in force.
    if (isOther(query, desk)) await desk.look();
    const keys = desk.set.keys.filter((key) => client?.mayAsk(key) ?? true);
    const flags = keys.map((key) => ofrepOf(desk.evaluate(key, read.context, client?.name ?? 'socket')));
    const eventStreams = [this.#streamOf(client)];
    const body = JSON.stringify({ flags, metadata: { etag: desk.etag }, eventStreams });
    // Of the stream as well: whoever is told "not modified" keeps its address, which is not good for ever.
    const etag = `"${hashOf(JSON.stringify([flags, eventStreams])).slice(0, 32)}"`;
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
  #clientOf(
    path: string,
    { headers, query }: { readonly headers: IncomingHttpHeaders; readonly query: URLSearchParams },
  ): OfrepClient | null | undefined {
    const { clients, nowMs } = this.#options;
    if (clients === null) return null;
    const key = keyOf(headers);
    if (key !== null) return clients.find((client) => client.has(key));
    const token = path === OFREP_STREAM_PATH ? query.get('token') : null;
    return token === null ? undefined : clients.find((client) => client.hasToken(token, nowMs()));
  }

  #crossOrigin({ origin }: IncomingHttpHeaders): Readonly<Record<string, string>> {
    const { origins } = this.#options;
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

const NO_KEY = { errorDetails: 'A key is missing, or wrong.' };

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

/** What an event stream told them; a time in seconds, or in ISO 8601. */
function isOther(query: URLSearchParams, { etag, changedAtMs }: FlagDesk): boolean {
  const known = query.get('flagConfigEtag');
  if (known !== null) return known !== etag;
  const modified = query.get('flagConfigLastModified') ?? '';
  const atMs = /^\d+$/.test(modified) ? Number(modified) * 1000 : Date.parse(modified);
  return atMs > changedAtMs;
}

/** RFC 9110 s. 13.1.2: weak comparison, any of a list. */
function matches(given: string | undefined, etag: string): boolean {
  if (given === undefined) return false;
  return given.split(',').some((one) => ['*', etag].includes(one.trim().replace(/^W\//, '')));
}

function tooMany({ response, headers }: Pick<Asking, 'response' | 'headers'>, waitS: number): void {
  answer(response, 429, { errorDetails: 'Too many requests.' }, { ...headers, 'retry-after': String(waitS) });
}

/** Null: it is larger than it may be. It is read to its end all the same, or nobody would read the answer. */
async function bodyOf(request: IncomingMessage): Promise<string | null> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    if (!(part instanceof Buffer)) continue;
    bytes += part.length;
    if (bytes <= limits.flags.contextBytesMax) parts.push(part);
    else parts.length = 0;
  }
  return bytes > limits.flags.contextBytesMax ? null : Buffer.concat(parts).toString();
}

function answer(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>>,
): void {
  // RFC 9110 s. 8.6: 204 and 304 have no length of their own.
  if (body === null) return void response.writeHead(status, headers).end();
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const type = { 'content-type': 'application/json; charset=utf-8' };
  response.writeHead(status, { ...headers, ...type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

const describe = (error: unknown) => (error instanceof Error ? error.message : String(error));
