/** What no key can know alone: services that want the same place, numbers that contradict each other. */
import type {
  HandoverChoice,
  Listen,
  RollingChoice,
  Route,
  Traffic,
  WebService,
  WorkerService,
} from '../../core/project.ts';
import { nameOf } from '../../core/judge/measure.ts';
import { formatDurationMs } from '../../core/units.ts';
import { checkAb } from './ab-checks.ts';
import { checkAfter } from './after.ts';
import { checkRaises } from './flag-raise.ts';
import { checkLadder } from './ladder.ts';
import type { Path } from './problem.ts';

export interface Contradiction {
  /** The values that contradict each other, the one to change first. */
  readonly paths: readonly Path[];
  readonly message: string;
}

export type CheckedService = Omit<WebService, 'name'>;
export type CheckedWorker = Omit<WorkerService, 'name'>;
type Checked = Readonly<Record<string, CheckedService | CheckedWorker>>;

/** Those that serve traffic. */
export function websOf(all: Checked): Record<string, CheckedService> {
  const named = Object.entries(all);
  return Object.fromEntries(
    named.flatMap(([name, service]) => (service.kind === 'web' ? [[name, service] as const] : [])),
  );
}

export function contradictions(
  all: Checked,
  ports: { readonly from: number; readonly to: number } | null,
): Contradiction[] {
  const services = websOf(all);
  const named = Object.entries(services);
  return [
    ...Object.entries(all).flatMap(([name, { strategy, instances }]) =>
      strategy.type === 'rolling' ? checkRolling(name, instances, strategy) : [],
    ),
    ...Object.entries(all).flatMap(([name, { kind, strategy }]) => checkRaises(name, kind, strategy)),
    ...named.flatMap(([name, service]) => [
      ...checkProbes(name, service),
      ...checkCeilings(name, service),
      ...checkPorts(name, service.traffic.listen, ports),
      ...(service.strategy.type === 'canary' ? checkLadder(name, service, service.strategy) : []),
      ...(service.strategy.type === 'handover' ? checkHandover(name, service.traffic, service.strategy) : []),
      ...(service.strategy.type === 'ab' ? checkAb(name, service, service.strategy) : []),
    ]),
    ...checkShadows(services, all),
    ...checkAfter(all),
    ...checkListens(named),
    ...checkRoutes(named),
  ];
}

function checkPorts(
  name: string,
  { port }: Listen,
  ports: { readonly from: number; readonly to: number } | null,
): Contradiction[] {
  if (!ports || port < ports.from || port > ports.to) return [];
  const path = ['services', name, 'traffic', 'listen'];
  const range = `${ports.from}-${ports.to}`;
  return [{ paths: [path, ['ports']], message: `${port} lies in ${range}, which is kept for instances` }];
}

function checkProbes(name: string, { judge, traffic }: CheckedService): Contradiction[] {
  if (!judge?.guards.probes || traffic.protocol === 'http1') return [];
  const path = ['services', name, 'judge', 'probes'];
  return [{ paths: [path], message: `probes are HTTP/1.1, but ${name} speaks ${traffic.protocol}` }];
}

/** Whom a hash keeps may be any part of the traffic, so that nothing is known of what clients meet (`judge/rules.ts`). */
function checkCeilings(name: string, { judge, traffic }: CheckedService): Contradiction[] {
  if (!judge || traffic.sticky?.type !== 'hash') return [];
  return judge.rules.latency.ceilings.map(({ quantile }) => ({
    paths: [
      ['services', name, 'judge', 'latency', nameOf(quantile)],
      ['services', name, 'traffic', 'sticky'],
    ],
    message:
      "latencies decide nothing where clients are sticky by a hash; expected the gateway's own cookie, or a bound in judge.metrics",
  }));
}

function checkRolling(name: string, instances: number, choice: RollingChoice): Contradiction[] {
  const at = (key: string): Path => ['services', name, 'strategy', key];
  const found: Contradiction[] = [];
  const { surge, unavailable, batch } = choice;
  if (surge + unavailable === 0)
    found.push({
      paths: [at('surge'), at('unavailable')],
      message: 'surge and unavailable are both 0, so no instance could ever be replaced',
    });
  if (unavailable >= instances)
    found.push({
      paths: [at('unavailable'), ['services', name, 'instances']],
      message: `${unavailable} of ${instances} instances may be missing, so none would have to serve; expected fewer`,
    });
  if (batch !== null && surge + unavailable > 0 && batch > surge + unavailable)
    found.push({
      paths: [at('batch'), at('surge'), at('unavailable')],
      message: `batch is ${batch}, but surge and unavailable allow only ${surge + unavailable} at a time`,
    });
  return found;
}

/** Requests have to be able to wait through the change, and some of the time is for the way back. */
function checkHandover(name: string, { hold }: Traffic, { withinMs }: HandoverChoice): Contradiction[] {
  const within: Path = ['services', name, 'strategy', 'within'];
  const held: Path = ['services', name, 'traffic', 'hold'];
  if (hold.forMs === 0 || hold.requestsMax === 0)
    return [
      { paths: [held], message: 'requests have to wait during a handover, and may not; expected some time' },
    ];
  if (withinMs === null || withinMs < hold.forMs) return [];
  const may = `requests may wait for ${formatDurationMs(hold.forMs)} only (traffic.hold)`;
  return [
    { paths: [within, held], message: `${may}; expected less, so that the old version can still come back` },
  ];
}

function checkShadows(services: Readonly<Record<string, CheckedService>>, all: Checked): Contradiction[] {
  return Object.entries(services).flatMap(([name, { traffic }]) => {
    const { shadow } = traffic.policy;
    if (shadow === null) return [];
    const paths = [['services', name, 'traffic', 'shadow', 'to']];
    if (shadow.to === name) return [{ paths, message: 'a service cannot be its own shadow' }];
    const to = services[shadow.to];
    if (!to && Object.hasOwn(all, shadow.to))
      return [{ paths, message: `copies are requests, and ${shadow.to} is a worker` }];
    if (!to) return [{ paths, message: `there is no service ${shadow.to}` }];
    if (to.traffic.protocol === 'http1') return [];
    return [{ paths, message: `copies are HTTP/1.1, but ${shadow.to} speaks ${to.traffic.protocol}` }];
  });
}

const isEvery = ({ host }: Listen) => host === '' || host === '::' || host === '0.0.0.0';

/** One port cannot be bound on every address and on one of them as well. */
function checkListens(named: readonly (readonly [string, CheckedService])[]): Contradiction[] {
  const first = new Map<number, readonly [string, Listen]>();
  return named.flatMap(([name, { traffic }]) => {
    const { listen } = traffic;
    const [otherName, other] = first.get(listen.port) ?? [];
    if (!otherName || !other) {
      first.set(listen.port, [name, listen]);
      return [];
    }
    if (other.host === listen.host || isEvery(other) === isEvery(listen)) return [];
    return [
      {
        paths: [
          ['services', name, 'traffic', 'listen'],
          ['services', otherName, 'traffic', 'listen'],
        ],
        message: `port ${listen.port} is taken on other addresses by ${otherName}; expected the same address or another port`,
      },
    ];
  });
}

function checkRoutes(named: readonly (readonly [string, CheckedService])[]): Contradiction[] {
  const taken = new Map<string, { readonly owner: string; readonly path: Path }>();
  const found: Contradiction[] = [];
  for (const [owner, { traffic }] of named)
    for (const [index, route] of traffic.routes.entries()) {
      const key = JSON.stringify([traffic.listen.host, traffic.listen.port, route.host, route.path]);
      const path = ['services', owner, 'traffic', 'routes', index];
      const other = taken.get(key);
      if (!other) taken.set(key, { owner, path });
      else
        found.push({
          paths: [path, ['services', owner, 'traffic', 'listen'], other.path],
          message: `${describeRoute(route)} on port ${traffic.listen.port} already goes to ${other.owner}`,
        });
    }
  return found;
}

function describeRoute({ host, path }: Route): string {
  return host === null ? `every host with ${path}` : `${host}${path}`;
}
