/** What the gateway answers by itself. `segue-error` carries the reason for programs, the text is for people. */
import { BROKEN } from './access-log/record.ts';
import type { Call } from './call.ts';
import { nowMs } from './clock.ts';
import { METHOD } from './http1/method.ts';
import type { Refusal } from './http1/refusal.ts';

/** An import of it would load what `fetch` needs as well: half of what a worker takes to start. */
const { STATUS_CODES } = process.getBuiltinModule('node:http');

interface Reply {
  readonly status: string;
  readonly text: string;
  readonly retryAfter: boolean;
  readonly close: boolean;
}

const reply = (status: string, text: string, more: Partial<Reply> = {}): Reply => ({
  status,
  text,
  retryAfter: false,
  close: false,
  ...more,
});

/** After these nobody can say where the next request begins. */
const REFUSALS = {
  malformed: reply('400 Bad Request', 'The request is not well-formed HTTP/1.1.', { close: true }),
  'not-clear': reply('400 Bad Request', 'The request does not say clearly which host it is for.', {
    close: true,
  }),
  'target-too-long': reply('414 URI Too Long', 'The target of the request is too long.', { close: true }),
  'head-too-large': reply('431 Request Header Fields Too Large', 'The head of the request is too large.', {
    close: true,
  }),
  'method-unknown': reply('501 Not Implemented', 'The method of the request is not supported.', {
    close: true,
  }),
  'coding-unknown': reply(
    '501 Not Implemented',
    'The transfer coding of the request is not known; use "chunked".',
    { close: true },
  ),
  'version-unknown': reply('505 HTTP Version Not Supported', 'Use HTTP/1.1.', { close: true }),
} as const satisfies Record<Refusal, Reply>;

const REPLIES = {
  ...REFUSALS,
  'plain-http': reply('400 Bad Request', 'This port speaks TLS: use https.', { close: true }),
  'head-late': reply('408 Request Timeout', 'The head of the request did not arrive.', { close: true }),
  'no-route': reply(
    '404 Not Found',
    'No service is routed here. Compare host and path with "routes" in segue.yaml.',
  ),
  'request-stalled': reply('408 Request Timeout', 'The rest of the request did not arrive.', { close: true }),
  'body-too-large': reply(
    '413 Content Too Large',
    'The body of the request is larger than it may be ("limits" in segue.yaml).',
    { close: true },
  ),
  'request-late': reply(
    '504 Gateway Timeout',
    'The request took longer than it may ("timeouts" in segue.yaml).',
  ),
  'instance-unreachable': reply(
    '502 Bad Gateway',
    'No instance of the service could be reached. See "segue status".',
  ),
  'instance-failed': reply(
    '502 Bad Gateway',
    'The instance ended the connection before it answered. See "segue logs".',
  ),
  'instance-late': reply(
    '504 Gateway Timeout',
    'The instance did not answer in time ("response" in segue.yaml).',
  ),
  'no-instance': reply(
    '503 Service Unavailable',
    'No instance of the service was ready in time. See "segue status".',
    { retryAfter: true },
  ),
  'queue-full': reply(
    '503 Service Unavailable',
    'Every instance of the service has as many requests as it may, and too many wait ("limits" in segue.yaml).',
    { retryAfter: true },
  ),
  'queue-late': reply(
    '503 Service Unavailable',
    'Every instance of the service has as many requests as it may, and none came free in time ("limits" in segue.yaml).',
    { retryAfter: true },
  ),
  'no-room': reply('503 Service Unavailable', 'The gateway has as many clients as it can take.', {
    retryAfter: true,
    close: true,
  }),
  stopping: reply('503 Service Unavailable', 'The gateway is stopping.', { retryAfter: true, close: true }),
  'hold-full': reply('503 Service Unavailable', 'Too many requests wait for an instance of the service.', {
    retryAfter: true,
  }),
} as const satisfies Record<string, Reply>;

export type ReplyReason = keyof typeof REPLIES;

const RETRY_AFTER_S = 1;

export function answer(call: Call, reason: ReplyReason): void {
  const { client } = call;
  if (call.left) return;
  if (call.responding) {
    if (call.log !== null) call.log.record(call, BROKEN, 0);
    return client.break();
  }
  if (call.log !== null) call.log.record(call, reason, Number(REPLIES[reason].status.slice(0, 3)));
  if (REPLIES[reason].close) client.closeAfterCall();
  client.send(replyBytes(reason, client.announce(), call.method !== METHOD.head));
  client.whenFlushed(() => client.callEnded());
}

/** An answer that the user wrote. */
export interface Page {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly retryAfterS: number | null;
}

export function answerPage(call: Call, { status, contentType, body, retryAfterS }: Page): void {
  const { client } = call;
  if (call.left) return;
  if (call.log !== null) call.log.record(call, 'maintenance', status);
  client.send(
    written({
      ...{ status: `${status} ${STATUS_CODES[status] ?? ''}`, contentType, body, retryAfterS },
      ...{ reason: 'maintenance', connection: client.announce(), withBody: call.method !== METHOD.head },
    }),
  );
  client.whenFlushed(() => client.callEnded());
}

export function replyBytes(reason: ReplyReason, connection: Connection, withBody: boolean): Buffer {
  const { status, text, retryAfter } = REPLIES[reason];
  return written({
    ...{ status, reason, connection, withBody, body: `${text}\n`, contentType: 'text/plain; charset=utf-8' },
    retryAfterS: retryAfter ? RETRY_AFTER_S : null,
  });
}

type Connection = 'silent' | 'close' | 'keep-alive';

function written(page: {
  readonly status: string;
  readonly reason: string;
  readonly contentType: string;
  readonly body: string;
  readonly retryAfterS: number | null;
  readonly connection: Connection;
  readonly withBody: boolean;
}): Buffer {
  const { status, reason, contentType, body, retryAfterS, connection, withBody } = page;
  const hasBody = !status.startsWith('204') && !status.startsWith('304');
  const lines = [
    `HTTP/1.1 ${status}`,
    ...(hasBody ? [`Content-Type: ${contentType}`, `Content-Length: ${Buffer.byteLength(body)}`] : []),
    'Cache-Control: no-store',
    `Segue-Error: ${reason}`,
    ...(retryAfterS === null ? [] : [`Retry-After: ${retryAfterS}`]),
    `Date: ${new Date(nowMs()).toUTCString()}`,
    ...(connection === 'silent' ? [] : [`Connection: ${connection}`]),
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${withBody && hasBody ? body : ''}`);
}
