/** What the gateway keeps for one instance, for as long as its id is known, whatever the routings say (T4). */
import { limits } from '../core/limits.ts';
import type { InstanceCounts } from '../core/traffic/counts.ts';
import type { Protocol } from '../core/project.ts';
import type { Backend, DrainingBackend } from '../core/traffic/routing.ts';
import { hashOf } from '../core/traffic/hash.ts';
import { monotonicMs } from './clock.ts';
import { Drain, type LongStream } from './drain.ts';
import { Gate } from './gate.ts';
import { UpstreamSessions } from './http2/upstream-sessions.ts';
import { UpstreamPool } from './pool.ts';
import type { Pool } from './upstream.ts';
import type { Sweep } from './sweep.ts';
import { Tally } from './tally.ts';

/** `out`: neither in rotation nor draining, such as an instance that is unready; what it has under way goes on. */
export type Place = 'rotation' | 'draining' | 'out';

export interface InstanceOptions {
  readonly protocol: Protocol;
  readonly sweep: Sweep;
  /** It has nothing under way any more. */
  readonly onIdle: (instance: Instance) => void;
}

export class Instance {
  readonly service: string;
  /** For rendezvous hashing. */
  readonly hash: number;
  readonly tally: Tally;
  readonly gate: Gate;
  readonly #streams = new Set<LongStream>();
  #backend: Backend;
  readonly #sweep: Sweep;
  #protocol: Protocol;
  #pool: Pool;
  #place: Place = 'rotation';
  #drain: Drain | undefined;
  #cameAtMs = monotonicMs();
  #parts = 0;
  #retirement: Drain | undefined;

  constructor(service: string, backend: Backend, { protocol, sweep, onIdle }: InstanceOptions) {
    this.service = service;
    this.hash = hashOf(backend.id);
    this.#backend = backend;
    this.#sweep = sweep;
    this.#protocol = protocol;
    this.#pool = poolOf(backend, protocol, sweep);
    this.tally = new Tally(backend.id, () => onIdle(this));
    this.gate = new Gate(this);
  }

  get id(): string {
    return this.#backend.id;
  }

  get version(): string {
    return this.#backend.version;
  }

  /** Requests in flight; `Infinity`: it gets none now. */
  get load(): number {
    return this.gate.isOpen ? this.tally.inFlight : Infinity;
  }

  /** When it last came into rotation from where nobody used it: it may be cold since then. */
  get cameAtMs(): number {
    return this.#cameAtMs;
  }

  /** Exactly the given part of the calls, 0 to 1, gets true. */
  takesPart(part: number): boolean {
    this.#parts += part;
    if (this.#parts < 1) return false;
    this.#parts -= 1;
    return true;
  }

  get pool(): Pool {
    return this.#pool;
  }

  get place(): Place {
    return this.#place;
  }

  enterRotation(backend: Backend, protocol: Protocol): void {
    const { host, port } = this.#backend;
    if (backend.host !== host || backend.port !== port || protocol !== this.#protocol) {
      this.#pool.keeping = false;
      this.#pool = poolOf(backend, protocol, this.#sweep);
      this.#protocol = protocol;
    }
    this.#backend = backend;
    // Control found it ready since it was last here.
    if (this.#place !== 'rotation') this.gate.forget();
    if (this.#place === 'out') this.#cameAtMs = monotonicMs();
    this.#place = 'rotation';
    this.#pool.keeping = true;
    this.#stopDraining();
  }

  drain({ streamsMs }: DrainingBackend): void {
    this.#pool.keeping = false;
    this.#place = 'draining';
    this.#drain ??= new Drain(this.#streams, streamsMs);
  }

  leave(): void {
    this.#pool.keeping = false;
    this.#place = 'out';
    this.#stopDraining();
  }

  /** This process goes, not the instance: the streams are told to come back, to another one. */
  retire(): void {
    const { retireStreamsMs, retireSpreadMs } = limits.gateway;
    this.#retirement ??= new Drain(this.#streams, retireStreamsMs, retireSpreadMs);
  }

  /** Ends what is left, now. */
  cut(): void {
    for (const stream of this.#streams) stream.cut();
  }

  add(stream: LongStream): void {
    this.#streams.add(stream);
    this.#drain?.joined(stream);
    this.#retirement?.joined(stream);
  }

  remove(stream: LongStream): void {
    this.#streams.delete(stream);
  }

  counts(): InstanceCounts {
    const { ejections, isOut } = this.gate;
    return this.tally.counts({
      service: this.service,
      version: this.#backend.version,
      ejected: isOut,
      ejections,
    });
  }

  #stopDraining(): void {
    this.#drain?.cancel();
    this.#drain = undefined;
  }
}

function poolOf(backend: Backend, protocol: Protocol, sweep: Sweep): Pool {
  return protocol === 'h2c' ? new UpstreamSessions(backend, sweep) : new UpstreamPool(backend, sweep);
}
