/** The process behind `load-process.ts`. Ends with its parent, whatever happens to that. */
import { startLoad } from './load.ts';
import { LOAD_LIMITS } from './options.ts';
import { isToChild, type FromChild, type ToChild } from './process-messages.ts';
import type { Load } from './summary.ts';

let load: Load | null = null;

function send(message: FromChild, onSent?: () => void): void {
  if (process.connected) process.send?.(message, undefined, undefined, onSent);
}

async function onMessage(message: ToChild): Promise<void> {
  switch (message.type) {
    case 'start': {
      const started = startLoad(message.options);
      load = started;
      send({ type: 'stats', snapshot: started.stats() });
      const report = () => send({ type: 'stats', snapshot: started.stats() });
      setInterval(report, LOAD_LIMITS.snapshotIntervalMs).unref();
      return;
    }
    case 'mark':
      await load?.mark(message.name);
      return send({ type: 'marked' });
    case 'stop':
      if (load) send({ type: 'summary', summary: await load.stop() }, () => process.disconnect());
  }
}

process.on('message', (message: unknown) => {
  if (isToChild(message)) void onMessage(message);
});
// Ctrl-C reaches the whole group of processes; the parent decides when the load ends and asks for its summary.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit());
