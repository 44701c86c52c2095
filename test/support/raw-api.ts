/** Requests to control's socket as a client sends them that does not keep to the rules, and answers without an end. */
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Entry } from '../../src/core/release/journal.ts';
import { API_HEADER, API_VERSION } from '../../src/wire/api.ts';

export interface RawRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Sent in pieces and without a length. */
  readonly chunked?: boolean;
  /** A body of this length is announced, and never sent. */
  readonly announcedBytes?: number;
}

export interface RawAnswer {
  readonly status: number;
  readonly text: string;
}

const API = { [API_HEADER]: String(API_VERSION), 'content-type': 'application/json', connection: 'close' };

/** The answer, also when control ends the connection before it has read the whole body. */
export function rawCall(root: string, asked: RawRequest): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const call = open(root, asked, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, text });
        call.destroy();
      });
      response.on('error', reject);
    });
    call.on('error', reject);
    if (asked.announcedBytes !== undefined) {
      call.setHeader('content-length', asked.announcedBytes);
      return call.flushHeaders();
    }
    if (asked.chunked && asked.body !== undefined) call.write(asked.body);
    call.end(asked.chunked ? undefined : asked.body);
  });
}

/** Follows an answer of JSON lines until it ends or `leave` is called. */
export class Follower<T = Entry> {
  readonly lines: T[] = [];
  readonly ended: Promise<void>;
  status = 0;
  readonly #call: ClientRequest;

  constructor(root: string, url: string) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#call = open(root, { path: url }, (response) => {
      this.status = response.statusCode ?? 0;
      createInterface({ input: response })
        .on('line', (line) => {
          if (line !== '' && this.status === 200) this.lines.push(JSON.parse(line));
        })
        .on('error', () => resolve())
        .on('close', resolve);
    });
    this.#call.on('error', () => resolve());
    this.#call.end();
  }

  leave(): void {
    this.#call.destroy();
  }
}

function open(root: string, asked: RawRequest, onResponse: (response: IncomingMessage) => void) {
  const socketPath = path.relative(process.cwd(), path.join(root, '.segue/control.sock'));
  const headers = { ...API, ...asked.headers };
  return request({ socketPath, method: asked.method ?? 'GET', path: asked.path, headers }, onResponse);
}
