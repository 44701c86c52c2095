/** What TLS needs from the rest of the file: a certificate, an address of its own, and one free for the redirect. */
import { listenKey } from '../../core/listen.ts';
import type { GatewayChoices } from '../../core/traffic/settings.ts';
import type { CheckedService, Contradiction } from './checks.ts';
import type { Path } from './problem.ts';

const REDIRECT: Path = ['gateway', 'redirect'];
const trafficOf = (name: string, key: string): Path => ['services', name, 'traffic', key];

export function checkSecure(
  services: Readonly<Record<string, CheckedService>>,
  gateway: GatewayChoices | null,
): Contradiction[] {
  const named = Object.entries(services);
  return [...checkAgreement(named), ...(gateway ? checkGateway(named, gateway) : [])];
}

type Named = readonly (readonly [string, CheckedService])[];

/** One address has TLS or has not. */
function checkAgreement(named: Named): Contradiction[] {
  const first = new Map<string, readonly [string, boolean]>();
  return named.flatMap(([name, { traffic }]) => {
    const key = listenKey(traffic.listen);
    const secure = traffic.tls !== null;
    const [otherName, other] = first.get(key) ?? [];
    if (otherName === undefined) first.set(key, [name, secure]);
    if (otherName === undefined || other === secure) return [];
    const [has, lacks] = secure ? [name, otherName] : [otherName, name];
    const message = `${has} has tls and ${lacks} has not, on the same address; expected both or neither`;
    return [{ paths: [trafficOf(name, 'tls'), trafficOf(otherName, 'tls')], message }];
  });
}

function checkGateway(named: Named, { certificates, redirect, acme }: GatewayChoices): Contradiction[] {
  const secure = named.filter(([, { traffic }]) => traffic.tls !== null);
  const found: Contradiction[] = [];
  const [needs] = secure;
  if (needs && certificates.length === 0 && !acme)
    found.push({
      paths: [trafficOf(needs[0], 'tls'), ['gateway']],
      message: 'there is no certificate; expected gateway.certificates or gateway.acme',
    });
  if (acme && !redirect)
    found.push({
      paths: [['gateway', 'acme']],
      message: 'the authority asks on port 80; expected gateway.redirect: 80 as well',
    });
  if (!redirect) return found;
  const taken = named.find(
    ([, { traffic }]) =>
      traffic.listen.port === redirect.port &&
      (traffic.tls !== null ||
        traffic.mode === 'direct' ||
        listenKey(traffic.listen) !== listenKey(redirect)),
  );
  if (taken)
    found.push({
      paths: [REDIRECT, trafficOf(taken[0], 'listen')],
      message: `port ${redirect.port} is taken by ${taken[0]}; expected a port for plain HTTP, such as 80`,
    });
  return found;
}
