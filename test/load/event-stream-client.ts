import { Connection } from './connection.ts';
import { pause, type Context } from './context.ts';
import { RequestFailure } from './failure.ts';
import { formatHead } from './line.ts';
import { LOAD_LIMITS, type EventStreams } from './options.ts';
import { wallMs } from './tally.ts';

/** One EventSource: reconnects when told, with Last-Event-ID, and misses no event. */
export async function runEventStream(context: Context, options: EventStreams): Promise<void> {
  const { tally, stopping } = context;
  const { path = '/events', contiguous = true } = options;
  const events = new EventIds(contiguous);
  let connected = false;
  while (!stopping.aborted) {
    const openedAtMs = wallMs();
    try {
      await listen(context, path, events, () => {
        if (connected) tally.sse.reconnected += 1;
        else tally.sse.opened += 1;
        connected = true;
      });
      if (!stopping.aborted) tally.sse.told += 1;
    } catch (error) {
      if (stopping.aborted) return;
      tally.streamBroke(tally.sse, path, openedAtMs, error);
      await pause(LOAD_LIMITS.afterFailureMs, stopping);
    }
  }
}

/** Resolves when the server ends the stream as HTTP provides. */
async function listen(context: Context, path: string, events: EventIds, onOpen: () => void): Promise<void> {
  const { tally, stopping } = context;
  const connection = await Connection.open(context.target, context.timeoutMs);
  const onStop = () => connection.close();
  if (stopping.aborted) return onStop();
  stopping.addEventListener('abort', onStop);
  let open = false;
  try {
    const request = formatHead(context, 'GET', path, {
      accept: 'text/event-stream',
      ...(events.last !== null && { 'last-event-id': `${events.last}` }),
    });
    events.reconnect();
    await connection.exchange(request, {
      head(head) {
        const type = head.headers.get('content-type') ?? '';
        if (head.status !== 200 || !type.startsWith('text/event-stream'))
          throw new RequestFailure('status', `${head.status}, ${type || 'no content type'}`, { head });
        open = true;
        tally.sse.open += 1;
        onOpen();
      },
      data(chunk) {
        tally.sse.messages += events.push(chunk);
      },
    });
  } finally {
    if (open) tally.sse.open -= 1;
    stopping.removeEventListener('abort', onStop);
    connection.close();
  }
}

/** Follows the ids of a stream over its connections; an event that was cut off does not count. */
class EventIds {
  last: number | null = null;
  readonly #contiguous: boolean;
  #text = '';

  constructor(contiguous: boolean) {
    this.#contiguous = contiguous;
  }

  reconnect(): void {
    this.#text = '';
  }

  /** How many events it completed. */
  push(chunk: Buffer): number {
    const blocks = (this.#text + chunk.toString('utf8')).split('\n\n');
    this.#text = blocks.pop() ?? '';
    if (this.#text.length > LOAD_LIMITS.frameBytesMax) throw new RequestFailure('malformed', 'endless event');
    for (const block of blocks) this.#take(/^id: ?(\d+)$/m.exec(block)?.[1]);
    return blocks.length;
  }

  #take(text: string | undefined): void {
    if (text === undefined) return;
    const id = Number(text);
    if (this.#contiguous && this.last !== null && id !== this.last + 1)
      throw new RequestFailure(id > this.last ? 'lost' : 'duplicated', `event ${id} follows ${this.last}`);
    this.last = id;
  }
}
