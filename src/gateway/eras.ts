/** What is under way under each routing (T1): a request belongs to the one that gave it its instance. */
import { limits } from '../core/limits.ts';
import type { RunningCounts } from '../core/traffic/counts.ts';

export class Era {
  readonly routing: number;
  requests = 0;
  streams = 0;

  constructor(routing: number) {
    this.routing = routing;
  }
}

export class Eras {
  #current = new Era(0);
  #eras: Era[] = [this.#current];

  get current(): Era {
    return this.#current;
  }

  begin(routing: number): void {
    if (routing === this.#current.routing) return;
    this.#current = new Era(routing);
    this.#eras.push(this.#current);
  }

  /** The eldest first; what is empty and not in force is forgotten. */
  running(): RunningCounts[] {
    const busy = ({ requests, streams }: Era) => requests + streams > 0;
    this.#eras = this.#eras.filter((era) => busy(era) || era === this.#current);
    return this.#eras
      .filter(busy)
      .slice(0, limits.gateway.runningRoutingsMax)
      .map(({ routing, requests, streams }) => ({ routing, requests, streams }));
  }
}
