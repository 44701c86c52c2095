import { createHash } from 'node:crypto';
import { Connection } from './connection.ts';
import type { Context } from './context.ts';
import { RequestFailure } from './failure.ts';
import { LOAD_LIMITS } from './options.ts';
import type { ResponseHead } from './response-reader.ts';
import type { Answer } from './tally.ts';

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Sent after the head, piece by piece, framed by the caller. */
  readonly pieces?: () => AsyncIterable<Buffer | string>;
}

/** What one client has to the server: a connection that is kept, or a new one for each request. */
export class Line {
  readonly #context: Context;
  readonly #kind: 'keep-alive' | 'per-request';
  #connection: Connection | null = null;

  constructor(context: Context, kind: 'keep-alive' | 'per-request') {
    this.#context = context;
    this.#kind = kind;
  }

  async send(request: HttpRequest): Promise<Answer> {
    const connection = await this.#open();
    const { reused } = connection;
    const body = new Body();
    const response = connection.exchange(this.#format(request), body);
    const [head] = await Promise.all([response, feed(connection, request.pieces)]);
    if (this.#kind === 'per-request') this.close();
    body.verify(head, reused);
    return { head, body: body.bytes(), reused };
  }

  close(): void {
    this.#connection?.close();
    this.#connection = null;
  }

  async #open(): Promise<Connection> {
    if (this.#connection?.usable) return this.#connection;
    if (this.#connection?.closedIdle) this.#context.tally.idleCloses += 1;
    this.close();
    this.#connection = await Connection.open(this.#context.target, this.#context.timeoutMs);
    return this.#connection;
  }

  #format({ method, path, headers = {}, body, pieces }: HttpRequest): string | Buffer {
    const connection = this.#kind === 'per-request' ? { connection: 'close' } : {};
    const length = pieces || method === 'GET' ? {} : { 'content-length': `${Buffer.byteLength(body ?? '')}` };
    const head = formatHead(this.#context, method, path, { ...connection, ...length, ...headers });
    return body === undefined ? head : Buffer.from(head + body);
  }
}

export function formatHead(
  { target }: Context,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): string {
  const all = { host: `${target.host}:${target.port}`, ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

async function feed(connection: Connection, pieces: HttpRequest['pieces']): Promise<void> {
  if (!pieces) return;
  for await (const piece of pieces()) if (!(await connection.write(piece))) return;
}

/** Keeps the beginning of a body and holds all of it to its Content-Digest (RFC 9530), where there is one. */
export class Body {
  readonly #kept: Buffer[] = [];
  #bytes = 0;
  #wanted: string | undefined;
  #hash: ReturnType<typeof createHash> | null = null;

  head(head: ResponseHead): void {
    this.#wanted = /(?:^|[\s,])sha-256=:([A-Za-z0-9+/=]+):/.exec(
      head.headers.get('content-digest') ?? '',
    )?.[1];
    if (this.#wanted !== undefined) this.#hash = createHash('sha256');
  }

  data(chunk: Buffer): void {
    if (this.#bytes < LOAD_LIMITS.bodyBytesKept) this.#kept.push(chunk);
    this.#bytes += chunk.length;
    this.#hash?.update(chunk);
  }

  bytes(): Buffer {
    return Buffer.concat(this.#kept);
  }

  verify(head: ResponseHead, reused: boolean): void {
    if (this.#hash && this.#hash.digest('base64') !== this.#wanted)
      throw new RequestFailure('body', `${this.#bytes} bytes that are not what was sent`, { reused, head });
  }
}
