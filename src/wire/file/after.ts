/** `after:` of a service: the services that come first where several are released together. */
import type { CheckedService, CheckedWorker, Contradiction } from './checks.ts';

type Ordered = Pick<CheckedService | CheckedWorker, 'after'>;

/** Each that waits for itself is named where it says so, and each circle once. */
export function checkAfter(services: Readonly<Record<string, Ordered>>): Contradiction[] {
  return Object.entries(services).flatMap(([name, { after }]) =>
    after.flatMap((other, index) => {
      const paths = [['services', name, 'after', index]];
      if (!Object.hasOwn(services, other)) return [{ paths, message: `there is no service ${other}` }];
      const circle = wayBetween(services, other, name);
      if (!circle || circle.some((each) => each < name)) return [];
      const way = [name, ...circle].join(' after ');
      return [{ paths, message: `no service can come first in a circle: ${way}` }];
    }),
  );
}

/** The services on the way from one to another by `after`, both included; null: there is none. */
function wayBetween(services: Readonly<Record<string, Ordered>>, from: string, to: string): string[] | null {
  const cameFrom = new Map<string, string | null>([[from, null]]);
  for (const each of cameFrom.keys()) {
    if (each === to) {
      const way: string[] = [];
      for (let at: string | null = to; at !== null; at = cameFrom.get(at) ?? null) way.unshift(at);
      return way;
    }
    for (const next of services[each]?.after ?? []) if (!cameFrom.has(next)) cameFrom.set(next, each);
  }
  return null;
}
