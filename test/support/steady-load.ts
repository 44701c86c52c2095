/** The load of the release tests: kept connections and new ones, GET and POST, none of them ever retried. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { eventually } from '../contract/eventually.ts';
import { startLoad } from '../load/load.ts';
import type { HttpClients, LoadOptions } from '../load/options.ts';
import type { Load, Summary } from '../load/summary.ts';

export function steadyLoad(t: TestContext, port: number): Load {
  return plainLoad(t, port, [
    { kind: 'keep-alive', method: 'GET', path: '/', count: 4, thinkMs: 5 },
    { kind: 'keep-alive', method: 'POST', path: '/', body: 'x'.repeat(5_000), count: 2, thinkMs: 5 },
    { kind: 'per-request', method: 'GET', path: '/', count: 2, thinkMs: 10 },
    { kind: 'per-request', method: 'POST', path: '/?ms=50', body: 'slow', count: 2, thinkMs: 10 },
  ]);
}

/** The same of the example shop, where bodies go to another path; uploads are under way at any moment. */
export function shopLoad(t: TestContext, port: number): Load {
  return loadOf(t, port, {
    clients: [
      { kind: 'keep-alive', method: 'GET', path: '/', count: 2, thinkMs: 5 },
      { kind: 'per-request', method: 'GET', path: '/', count: 2, thinkMs: 5 },
      { kind: 'keep-alive', method: 'POST', path: '/upload', body: 'x'.repeat(5_000), count: 2, thinkMs: 5 },
      { kind: 'per-request', method: 'POST', path: '/upload', body: 'x', count: 2, thinkMs: 5 },
    ],
    uploads: { count: 2 },
  });
}

/** POSTs that are slow enough for some to be under way at any moment. */
export function slowPosts(t: TestContext, port: number): Load {
  const client = { method: 'POST', path: '/?ms=500', body: 'slow', count: 3, thinkMs: 1 } as const;
  return plainLoad(t, port, [
    { kind: 'keep-alive', ...client },
    { kind: 'per-request', ...client },
  ]);
}

export function plainLoad(t: TestContext, port: number, clients: readonly HttpClients[]): Load {
  return loadOf(t, port, { clients });
}

/** Ends with the test, however that ends. */
export function loadOf(t: TestContext, port: number, options: Omit<LoadOptions, 'target'>): Load {
  const load = startLoad({ target: { host: '127.0.0.1', port }, ...options });
  t.after(() => load.stop());
  return load;
}

/** Ends the load once it had enough answers: nothing of it was lost. */
export async function assertClean(load: Load, answeredMin = 50): Promise<Summary> {
  const settled = () => load.stats().answered >= answeredMin || load.stats().failed > 0;
  await eventually(`${answeredMin} requests are answered`, settled);
  const summary = await load.stop();
  assert.deepEqual(summary.failures, []);
  assert.ok(summary.clean);
  return summary;
}
