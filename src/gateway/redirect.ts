/**
 * What plain HTTP is told where TLS is: the way there (308: the method and the body stay), and the answers that a
 * certificate authority asks for (RFC 8555 s. 8.3), which go before every route.
 */
import type { Challenge } from '../core/traffic/certificates.ts';
import type { RouteTable } from '../core/traffic/match.ts';
import type { Call } from './call.ts';
import { nowMs } from './clock.ts';
import { METHOD } from './http1/method.ts';
import type { Service } from './service.ts';

const CHALLENGES = '/.well-known/acme-challenge/';
const HTTPS_PORT = 443;

export class Redirect {
  readonly #answers: ReadonlyMap<string, string>;
  readonly #secure: RouteTable<Service>;

  /** `secure`: the services that have TLS. */
  constructor(challenges: readonly Challenge[], secure: RouteTable<Service>) {
    this.#answers = new Map(challenges.map((challenge) => [challenge.token, challenge.answer]));
    this.#secure = secure;
  }

  /** False: it is no challenge that is known. */
  answersChallenge(call: Call): boolean {
    if (this.#answers.size === 0 || !call.routePath.startsWith(CHALLENGES)) return false;
    const text = this.#answers.get(call.routePath.slice(CHALLENGES.length));
    if (text === undefined) return false;
    respond(
      call,
      'challenge',
      '200 OK',
      ['Content-Type: application/octet-stream', 'Cache-Control: no-store'],
      text,
    );
    return true;
  }

  /** False: nobody has TLS there. */
  leads(call: Call): boolean {
    const service = this.#secure.find(call.host, call.routePath);
    if (service === undefined || call.host === '' || call.target === '*') return false;
    const { port } = service.routing.listen;
    const path = call.target.startsWith('/') ? call.target : `/${call.target}`;
    const location = `https://${call.host}${port === HTTPS_PORT ? '' : `:${port}`}${path}`;
    respond(call, 'redirect', '308 Permanent Redirect', [`Location: ${location}`], '');
    return true;
  }
}

function respond(
  call: Call,
  outcome: 'challenge' | 'redirect',
  status: string,
  more: readonly string[],
  body: string,
): void {
  const { client } = call;
  if (call.log !== null) call.log.record(call, outcome, Number(status.slice(0, 3)));
  const connection = client.announce();
  const lines = [
    `HTTP/1.1 ${status}`,
    ...more,
    `Content-Length: ${Buffer.byteLength(body)}`,
    `Date: ${new Date(nowMs()).toUTCString()}`,
    ...(connection === 'silent' ? [] : [`Connection: ${connection}`]),
  ];
  client.send(Buffer.from(`${lines.join('\r\n')}\r\n\r\n${call.method === METHOD.head ? '' : body}`));
  client.whenFlushed(() => client.callEnded());
}
