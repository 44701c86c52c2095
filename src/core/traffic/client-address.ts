import type { Networks } from './networks.ts';

/**
 * Who a request comes from: the nearest address on its way that is not one of the proxies whose word counts. `said`
 * is what X-Forwarded-For says, the last one to add to it at the end; what is no address ends the search, because
 * whoever added it is not to be believed about the rest.
 */
export function clientAddress(peer: string, said: string, trust: Networks): string {
  let client = peer;
  const way = said === '' ? [] : said.split(',');
  while (trust.has(client)) {
    const before = addressIn(way.pop() ?? '');
    if (before === undefined) break;
    client = before;
  }
  return client;
}

/** Some proxies add the port. */
function addressIn(element: string): string | undefined {
  const text = element.trim();
  const bracketed = /^\[([0-9a-f:.]+)\](?::\d{1,5})?$/i.exec(text)?.[1];
  const withPort = /^(\d+\.\d+\.\d+\.\d+):\d{1,5}$/.exec(text)?.[1];
  const address = bracketed ?? withPort ?? text;
  return /^[0-9a-f:.]{2,45}$/i.test(address) && /[.:]/.test(address) ? address : undefined;
}

/** As it is written for others: an IPv4 address that a socket for both sees as IPv6 is IPv4. */
export function plainAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  return mapped?.[1] ?? address;
}
