/**
 * What a service in direct mode cannot have, because nobody stands between its users and its instances. Looked for
 * in the file as it was written: a default is no mistake.
 */
import { isIP } from 'node:net';
import type { Contradiction, CheckedService } from './checks.ts';
import type { Path } from './problem.ts';
import { find, type Tree } from './tree.ts';

const TRAFFIC_KEYS = ['listen', 'mode', 'drain'];
const STRATEGIES = ['rolling', 'blue-green'];

export function checkDirect(tree: Tree, services: Readonly<Record<string, CheckedService>>): Contradiction[] {
  const named = Object.entries(services);
  return named
    .filter(([, { traffic }]) => traffic.mode === 'direct')
    .flatMap(([name, service]) => [
      ...checkTraffic(tree, name),
      ...checkStrategy(tree, name, service),
      ...checkAddress(name, service, named),
    ]);
}

function checkTraffic(tree: Tree, name: string): Contradiction[] {
  const path: Path = ['services', name, 'traffic'];
  const found = find(tree, path);
  if (!found.whole || found.tree.kind !== 'map') return [];
  return [...found.tree.entries.keys()]
    .filter((key) => !TRAFFIC_KEYS.includes(key))
    .map((key) => ({ paths: [[...path, key]], message: needsGateway(key) }));
}

function checkStrategy(tree: Tree, name: string, { strategy }: CheckedService): Contradiction[] {
  const path: Path = ['services', name, 'strategy'];
  if (!STRATEGIES.includes(strategy.type)) return [{ paths: [path], message: needsGateway(strategy.type) }];
  const preview: Path = [...path, 'preview'];
  return find(tree, preview).whole ? [{ paths: [preview], message: needsGateway('preview') }] : [];
}

function checkAddress(
  name: string,
  { traffic: { listen } }: CheckedService,
  named: readonly (readonly [string, CheckedService])[],
): Contradiction[] {
  const path: Path = ['services', name, 'traffic', 'listen'];
  if (listen.host !== '' && isIP(listen.host) === 0)
    return [
      { paths: [path], message: `mode: direct needs an address in digits, such as 127.0.0.1:${listen.port}` },
    ];
  const other = named.find(([each, { traffic }]) => each !== name && traffic.listen.port === listen.port);
  if (!other) return [];
  const message = `mode: direct has its port to itself, and ${other[0]} listens on ${listen.port}, too`;
  return [{ paths: [path, ['services', other[0], 'traffic', 'listen']], message }];
}

function needsGateway(what: string): string {
  return `${what} needs the gateway; with mode: direct no proxy is there to do it`;
}
