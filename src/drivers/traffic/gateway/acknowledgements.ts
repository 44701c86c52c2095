/** Routings that are on their way, until the gateway says that one is in force or why not. */
import { SegueError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import type { RoutingAck } from '../../../ports/traffic-plane.ts';

interface Waiting {
  readonly number: number;
  readonly resolve: (ack: RoutingAck) => void;
  readonly reject: (error: SegueError) => void;
}

export class Acknowledgements {
  readonly #waiting = new Set<Waiting>();

  of(number: number): Promise<RoutingAck> {
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        this.#waiting.delete(waiting);
      };
      const waiting: Waiting = {
        number,
        resolve: (ack) => {
          settle();
          resolve(ack);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        waiting.reject(new SegueError('GATEWAY_UNREACHABLE', `Routing ${number} was not acknowledged.`));
      }, limits.gateway.ackTimeoutMs);
      this.#waiting.add(waiting);
    });
  }

  /** Numbers only rise: a later routing in force answers for the earlier ones. */
  inForce(ack: RoutingAck): void {
    for (const waiting of this.#waiting) if (waiting.number <= ack.number) waiting.resolve(ack);
  }

  /** Null: whichever was sent last, so all of them. */
  refused(number: number | null, error: SegueError): void {
    for (const waiting of this.#waiting) {
      if (number === null || waiting.number === number) waiting.reject(error);
    }
  }
}
