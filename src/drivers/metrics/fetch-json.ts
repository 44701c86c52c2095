/** One GET whose answer is JSON, within limits of time and size; redirects are not followed. Never throws. */
import { request as requestPlain, type IncomingMessage } from 'node:http';
import { request as requestTls } from 'node:https';
import { limits } from '../../core/limits.ts';
import { formatBytes, formatDurationMs } from '../../core/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { MetricAnswer } from '../../ports/metrics.ts';
import { oneLine, placeOf } from '../prober/direct/finding.ts';
import { describeNetworkError } from '../prober/direct/network-error.ts';
import { systemErrorCode } from '../runtime/process/system-error.ts';

export type Fetched =
  | { readonly type: 'json'; readonly status: number; readonly json: unknown }
  | { readonly type: 'nothing'; readonly why: string };

export interface Order {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
}

type Nothing = Extract<MetricAnswer, { type: 'nothing' }>;

/** What others said is one short line. */
export function nothing(why: string): Nothing {
  return { type: 'nothing', why: oneLine(why, limits.guards.whyCharsMax) };
}

/** The first of: an answer, the end of the time, the caller's change of mind. It ends the other two. */
export async function fetchJson({ timeoutMs, signal, clock, ...order }: Order): Promise<Fetched> {
  const url = URL.parse(order.url);
  if (!url || !/^https?:$/.test(url.protocol)) return nothing('its address is not one of http or https');
  if (signal?.aborted) return nothing('it was called off');
  const over = new AbortController();
  const waiting = signal ? AbortSignal.any([over.signal, signal]) : over.signal;
  const place = placeOf(url.hostname, url.port || (url.protocol === 'https:' ? 443 : 80));
  const late = clock.sleep(timeoutMs, waiting).then(
    () => nothing(`${place} took longer than ${formatDurationMs(timeoutMs)}`),
    () => nothing('it was called off'),
  );
  try {
    return await Promise.race([get(url, place, order.headers, waiting), late]);
  } finally {
    over.abort();
  }
}

async function get(
  url: URL,
  place: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Fetched> {
  try {
    const response = await send(url, headers, signal);
    const status = response.statusCode ?? 0;
    const text = await readWhole(response);
    if (text === null)
      return nothing(`${place} answered with more than ${formatBytes(limits.guards.answerBytesMax)}`);
    const json = parsed(text);
    // Some say in JSON why they refuse.
    if (json === undefined)
      return nothing(`${place} answered ${status}${status === 200 ? ' with what is not JSON' : ''}`);
    return { type: 'json', status, json };
  } catch (error) {
    if (systemErrorCode(error)?.startsWith('ERR_INVALID_'))
      return nothing('the request cannot be sent: a header is not valid');
    return nothing(describeNetworkError(error, place));
  }
}

/** A new connection each time: a kept one could be to an address that the name has left. */
function send(
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = (url.protocol === 'https:' ? requestTls : requestPlain)(url, {
    method: 'GET',
    headers: { accept: 'application/json', ...headers, connection: 'close' },
    agent: false,
    signal,
  });
  request.on('error', reject);
  request.on('response', resolve);
  request.end();
  return promise;
}

/** Null: it is larger than the limit, and the rest was not read. */
async function readWhole(response: IncomingMessage): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    if (!(chunk instanceof Uint8Array)) continue;
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > limits.guards.answerBytesMax) return null;
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
