import { request as requestPlain, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as requestTls } from 'node:https';
import { limits } from '../../../core/limits.ts';
import { formatBytes } from '../../../core/units.ts';
import type { Probe } from '../../../ports/prober.ts';
import { systemErrorCode } from '../../runtime/process/system-error.ts';
import { CALLED_OFF, failed, nameOf, oneLine, passed, placeOf, type Finding } from './finding.ts';
import { describeNetworkError } from './network-error.ts';

type HttpProbe = Extract<Probe, { type: 'http' }>;

/** Redirects are not followed: whoever asks `/` wants to know what `/` answers. */
export async function requestHttp(probe: HttpProbe, signal: AbortSignal): Promise<Finding> {
  const url = URL.parse(probe.url);
  if (!url || !/^https?:$/.test(url.protocol)) return failed('the address is not one of http or https');
  const place = placeOf(url.hostname, url.port || (url.protocol === 'https:' ? 443 : 80));
  try {
    const response = await send(probe, url, signal);
    const body = await readBody(response);
    return judge(probe, response, body);
  } catch (error) {
    if (signal.aborted) return CALLED_OFF;
    if (systemErrorCode(error)?.startsWith('ERR_INVALID_')) {
      return failed(`${nameOf(probe)} cannot be sent: its method or a header is not valid`);
    }
    return failed(describeNetworkError(error, place));
  }
}

/** A new connection for each question: a kept one would tell how the service was, not how it is. */
function send(probe: HttpProbe, url: URL, signal: AbortSignal): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request: ClientRequest = (url.protocol === 'https:' ? requestTls : requestPlain)(url, {
    method: probe.method,
    headers: { ...probe.headers, connection: 'close' },
    agent: false,
    signal,
  });
  request.on('error', reject);
  request.on('response', resolve);
  request.end(probe.body ?? undefined);
  return promise;
}

/** The start of the body. Leaving the loop destroys the connection, and with it what is beyond the limit. */
async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    if (!(chunk instanceof Uint8Array)) continue;
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= limits.health.bodyBytesMax) break;
  }
  return Buffer.concat(chunks).toString('utf8', 0, limits.health.bodyBytesMax);
}

function judge(probe: HttpProbe, response: IncomingMessage, body: string): Finding {
  const { expect } = probe;
  const status = response.statusCode ?? 0;
  const seen = `${nameOf(probe)} answered ${status}`;

  if (expect.status === null ? status < 200 || status > 399 : status !== expect.status) {
    const wanted = expect.status === null ? '' : `, not ${expect.status}`;
    return failed(`${seen}${wanted}${quoteBody(body)}`);
  }
  for (const [name, wanted] of Object.entries(expect.headers)) {
    const value = response.headers[name.toLowerCase()];
    if (value === undefined) return failed(`${seen} without the header ${name}`);
    if ([value].flat().join(', ') !== wanted)
      return failed(`${seen} with another value of the header ${name}`);
  }
  if (expect.contains !== null && !body.includes(expect.contains)) {
    const wanted = oneLine(expect.contains, limits.health.bodyQuoteCharsMax);
    const size = formatBytes(limits.health.bodyBytesMax);
    return failed(`${seen} without "${wanted}" in the first ${size} of its body`);
  }
  return passed(seen);
}

/** Error pages in HTML say nothing in their first words. */
function quoteBody(body: string): string {
  const quote = oneLine(body, limits.health.bodyQuoteCharsMax);
  return quote === '' || quote.startsWith('<') ? '' : `: ${quote}`;
}
