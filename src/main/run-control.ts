/** Control from its start to its end, as a process. */
import { flushCompileCache } from 'node:module';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Control } from '../control/control.ts';
import { serveApi } from '../control/server.ts';
import { SegueError } from '../core/errors.ts';
import type { Store } from '../ports/store.ts';
import { CONTROL_SOCKET } from '../wire/paths.ts';
import { socketPath } from '../wire/socket-path.ts';
import { buildControl } from './build-control.ts';

export async function runControl(wrapStore?: (store: Store) => Store): Promise<void> {
  const { values } = parseArgs({ options: { dir: { type: 'string' }, environment: { type: 'string' } } });
  const root = path.resolve(values.dir ?? '.');
  process.chdir(root);
  let close: () => Promise<void> = () => Promise.resolve();
  const onStop = (error: unknown): void => {
    if (error !== null) report(error);
    void close().finally(() => process.exit(error === null ? 0 : 1));
  };
  process.on('unhandledRejection', onStop);
  process.on('uncaughtException', onStop);
  try {
    const environment = values.environment ?? null;
    const control = await buildControl({ root, environment, onStop, ...(wrapStore ? { wrapStore } : {}) });
    stopOnSignals(control);
    close = await serveApi(control, socketPath(path.join(root, CONTROL_SOCKET), root));
    console.log(`control of ${root} is up, pid ${process.pid}`);
    // Now, for it may be killed: the next one starts in half the time.
    flushCompileCache();
  } catch (error) {
    report(error);
    process.exit(error instanceof SegueError ? error.exitCode : 1);
  }
}

/** Ends control alone: gateway and instances go on. */
function stopOnSignals(control: Control): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void control.stop(false));
}

/** One JSON line for what started control, then the stack for whoever reads the log. */
function report(error: unknown): void {
  if (error instanceof SegueError) console.error(JSON.stringify({ code: error.code, detail: error.detail }));
  console.error(error);
}
