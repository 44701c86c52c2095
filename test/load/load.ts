/** Load that counts every request and never sends one again. Runs in the caller's process. */
import { setMaxListeners } from 'node:events';
import { runAccounts } from './account-client.ts';
import type { Context } from './context.ts';
import { runEventStream } from './event-stream-client.ts';
import { runHttp2Client } from './http2-client.ts';
import { runHttpClient } from './http-client.ts';
import { LOAD_LIMITS, type LoadOptions } from './options.ts';
import { runSession } from './session-client.ts';
import type { Load } from './summary.ts';
import { runSlowReader } from './slow-reader-client.ts';
import { Tally } from './tally.ts';
import { runUploads } from './upload-client.ts';
import { runWebSocket } from './websocket-client.ts';

export function startLoad(options: LoadOptions): Load {
  const { target, timeoutMs = LOAD_LIMITS.timeoutMs, versionHeader = 'x-shop-version' } = options;
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const tally = new Tally(versionHeader);
  const running = Promise.all(startClients({ target, timeoutMs, tally, stopping: stop.signal }, options));
  return {
    stats: () => tally.snapshot(),
    mark: (name) => Promise.resolve(tally.mark(name)),
    async stop() {
      stop.abort();
      await running;
      return tally.summary();
    },
  };
}

function startClients(context: Context, options: LoadOptions): Promise<void>[] {
  const { clients = [], uploads, slowReaders, http2, websocket, sse, sessions, accounts } = options;
  return [
    ...clients.flatMap((client) => times(client.count, () => runHttpClient(context, client))),
    ...(uploads ? times(uploads.count, () => runUploads(context, uploads)) : []),
    ...(slowReaders ? times(slowReaders.count, () => runSlowReader(context, slowReaders)) : []),
    ...(http2 ? times(http2.count, () => runHttp2Client(context, http2)) : []),
    ...(websocket ? times(websocket.count, () => runWebSocket(context, websocket)) : []),
    ...(sse ? times(sse.count, () => runEventStream(context, sse)) : []),
    ...(accounts ? times(accounts.count, (number) => runAccounts(context, accounts, number)) : []),
    ...(sessions ? times(sessions.count, (number) => runSession(context, sessions, number)) : []),
  ];
}

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
