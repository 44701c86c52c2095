import { startLoadProcess } from '../../test/load/load-process.ts';
import type { Load } from '../../test/load/summary.ts';

/** Visitors of every kind, steady rather than many: what counts is that none of them notices a release. */
export function crowdOf(port: number): Promise<Load> {
  const home = { method: 'GET', path: '/', expect: { status: 200, contains: 'Shop' } } as const;
  return startLoadProcess({
    target: { host: '127.0.0.1', port },
    clients: [
      { ...home, kind: 'keep-alive', count: 8, everyMs: 40 },
      { ...home, kind: 'per-request', count: 2, everyMs: 40 },
      { kind: 'keep-alive', method: 'GET', path: '/slow?ms=400', count: 2, timed: false },
    ],
    sessions: { count: 4, thinkMs: 40 },
    uploads: { count: 2, thinkMs: 100 },
    websocket: { count: 6 },
    sse: { count: 6 },
  });
}
