/** Load from a process of its own, so that making it does not slow down what is measured. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startLoadProcess } from '../../test/load/load-process.ts';
import type { Load, Summary } from '../../test/load/summary.ts';

const WARM_UP_MS = 400;
const MEASURED = 'measured';

export interface Burst {
  readonly port: number;
  readonly kind: 'keep-alive' | 'per-request';
  readonly connections: number;
  readonly forMs: number;
}

/** Requests per second when each connection sends its next one as soon as the last is answered. */
export async function burst({ port, kind, connections, forMs }: Burst): Promise<number> {
  const load = await startLoadProcess({
    target: { host: '127.0.0.1', port },
    clients: [{ kind, method: 'GET', path: '/', count: connections }],
  });
  await sleep(WARM_UP_MS);
  await load.mark(MEASURED);
  await sleep(forMs);
  await load.mark('rest');
  const summary = await load.stop();
  assertClean(summary);
  const window = summary.windows.find(({ name }) => name === MEASURED);
  if (!window) throw new Error('the load has no measured window');
  return (window.answered * 1_000) / window.durationMs;
}

/** Each connection sends at fixed times, whether or not the last answer was late. */
export function offerAtRate(port: number, perSecond: number, connections: number): Promise<Load> {
  const everyMs = (connections * 1_000) / perSecond;
  return startLoadProcess({
    target: { host: '127.0.0.1', port },
    clients: [{ kind: 'keep-alive', method: 'GET', path: '/', count: connections, everyMs }],
  });
}

/** Figures of a run in which requests failed mean nothing. */
export function assertClean({ clean, failed, failures }: Summary): void {
  if (!clean) throw new Error(`${failed} requests failed: ${JSON.stringify(failures[0])}`);
}
