/** The master before, or the worker that stands in for it, as its successor sees it. */
import {
  SUCCESSION_PROTOCOL,
  type FromSuccessor,
  type TakeOver,
  toSuccessor,
} from '../../wire/succession-messages.ts';
import type { TrafficReport } from '../../core/traffic/counts.ts';

/** What Node gives a process that was started with a channel. */
export interface Channel {
  readonly connected: boolean;
  send?: ((message: unknown) => boolean) | undefined;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  once(event: 'disconnect', listener: () => void): unknown;
}

export interface Succession {
  readonly order: TakeOver;
  /**
   * Lets the predecessor know, and resolves when it has let go. Rejects when it is gone without a word: then it was
   * ended, or its workers have found another master.
   */
  readonly ready: () => Promise<TrafficReport | null>;
  readonly here: () => void;
}

/** Waits for the order to follow. Rejects when the predecessor is not understood. */
export function followOn(channel: Channel): Promise<Succession> {
  const say = (message: FromSuccessor) => {
    if (channel.connected) channel.send?.(message);
  };
  return new Promise((resolve, reject) => {
    const released = Promise.withResolvers<TrafficReport | null>();
    // Nobody may be waiting for it yet.
    released.promise.catch(() => undefined);
    channel.once('disconnect', () => {
      const gone = new Error('whoever started it is gone');
      reject(gone);
      released.reject(gone);
    });
    channel.on('message', (raw) => {
      const parsed = toSuccessor.safeParse(raw);
      if (!parsed.success) {
        say({ type: 'failed', reason: 'the order to follow was not understood' });
        return reject(new Error('the order to follow was not understood'));
      }
      const message = parsed.data;
      if (message.type === 'yours') return released.resolve(message.departed);
      if (message.protocol !== SUCCESSION_PROTOCOL) {
        const reason = `it follows by protocol ${SUCCESSION_PROTOCOL}, and was asked to by ${message.protocol}`;
        say({ type: 'failed', reason });
        return reject(new Error(reason));
      }
      resolve({
        order: message,
        ready: () => {
          say({ type: 'ready' });
          return released.promise;
        },
        here: () => say({ type: 'here' }),
      });
    });
  });
}
