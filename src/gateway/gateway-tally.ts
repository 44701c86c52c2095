/** Counts of the gateway that belong to no service. */
import type { GatewayCounts } from '../core/traffic/counts.ts';

export class GatewayTally {
  #connections = 0;
  #connectionsTotal = 0;
  #unrouted = 0;
  #malformed = 0;
  #logDropped = 0;

  /** Open now. */
  get connections(): number {
    return this.#connections;
  }

  connected(): void {
    this.#connections += 1;
    this.#connectionsTotal += 1;
  }

  disconnected(): void {
    this.#connections -= 1;
  }

  unroutedOne(): void {
    this.#unrouted += 1;
  }

  malformedOne(): void {
    this.#malformed += 1;
  }

  logDropped(lines: number): void {
    this.#logDropped += lines;
  }

  counts(): GatewayCounts {
    return {
      connections: this.#connections,
      connectionsTotal: this.#connectionsTotal,
      unrouted: this.#unrouted,
      malformed: this.#malformed,
      logDropped: this.#logDropped,
    };
  }
}
