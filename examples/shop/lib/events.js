import { change, newestChange, watchStock } from './stock.js';

const REPLAY_MAX = 2_000;

/** Stock changes as server-sent events. A client that comes back with Last-Event-ID misses none. */
export function createEventStreams() {
  const streams = new Set();

  function open(request, response) {
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache',
      // Said now, because at the end of a stream it is too late to say it.
      connection: 'close',
    });
    const newest = newestChange();
    const asked = Number(request.headers['last-event-id'] ?? newest - 1);
    let last = Number.isSafeInteger(asked)
      ? Math.max(Math.min(asked, newest), newest - REPLAY_MAX)
      : newest - 1;
    response.write('retry: 100\n\n');

    const sendUpTo = (id) => {
      let text = '';
      while (last < id) {
        last += 1;
        text += `id: ${last}\nevent: stock\ndata: ${JSON.stringify(change(last))}\n\n`;
      }
      if (text !== '') response.write(text);
    };
    sendUpTo(newest);
    const unwatch = watchStock(sendUpTo);
    const stream = { end: () => response.end() };
    streams.add(stream);
    response.on('close', () => {
      unwatch();
      streams.delete(stream);
    });
  }

  return {
    open,
    /** Ends every stream between two events; browsers come back by themselves, to another instance. */
    end() {
      for (const stream of streams) stream.end();
    },
  };
}
