/** The clients: every kind that there is, none of which ever sends a request again. */
import { startLoadProcess } from '../../test/load/load-process.ts';
import type { HttpClients } from '../../test/load/options.ts';
import type { Load } from '../../test/load/summary.ts';

/** Shares of the plain requests; the rest of the crowd comes on top. */
const PLAIN: readonly (Pick<HttpClients, 'kind' | 'method' | 'count'> & { readonly share: number })[] = [
  { kind: 'keep-alive', method: 'GET', share: 0.6, count: 32 },
  { kind: 'keep-alive', method: 'POST', share: 0.34, count: 16 },
  { kind: 'per-request', method: 'GET', share: 0.04, count: 4 },
  { kind: 'per-request', method: 'POST', share: 0.02, count: 2 },
];

export function startCrowd(port: number, perSecond: number): Promise<Load> {
  return startLoadProcess({
    target: { host: '127.0.0.1', port },
    clients: [
      ...PLAIN.map(({ kind, method, share, count }): HttpClients => {
        const everyMs = (count * 1_000) / (perSecond * share);
        if (method === 'GET')
          return { kind, method, count, everyMs, path: '/', expect: { status: 200, contains: 'Shop' } };
        const body = 'sent once, and to arrive once '.repeat(20);
        const expect = { status: 200, contains: `"size":${body.length}` };
        return { kind, method, count, everyMs, path: '/upload', body, expect };
      }),
      { kind: 'keep-alive', method: 'GET', path: '/slow?ms=300', count: 4, timed: false },
      { kind: 'per-request', method: 'POST', path: '/upload', body: 'x', count: 1, thinkMs: 200 },
    ],
    sessions: { count: 4, thinkMs: 50 },
    uploads: { count: 3, framing: 'chunked', thinkMs: 100 },
    slowReaders: { count: 2 },
    http2: { count: 2, streams: 4, thinkMs: 40 },
    websocket: { count: 6 },
    sse: { count: 6 },
  });
}
