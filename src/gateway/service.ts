/** What the gateway keeps for one service across routings. */
import type { ServiceCounts } from '../core/traffic/counts.ts';
import type { Preview, ServiceRouting } from '../core/traffic/routing.ts';
import { leastLoaded } from '../core/traffic/balance.ts';
import type { Call } from './call.ts';
import { Hold, type HoldSpace } from './hold.ts';
import type { Instance } from './instance.ts';
import { ReplayBudget } from './replay-budget.ts';

interface PreviewPool {
  readonly header: string;
  readonly value: string;
  readonly instances: readonly Instance[];
}

const loadOf = (instance: Instance) => instance.tally.inFlight;

export class Service {
  readonly hold: Hold;
  readonly replays = new ReplayBudget();
  #routing: ServiceRouting;
  #instances: readonly Instance[] = [];
  #preview: PreviewPool | null = null;
  #turn = 0;
  #refused = 0;

  constructor(routing: ServiceRouting, space: HoldSpace) {
    this.#routing = routing;
    this.hold = new Hold(space);
  }

  get name(): string {
    return this.#routing.service;
  }

  get routing(): ServiceRouting {
    return this.#routing;
  }

  update(routing: ServiceRouting, instanceOf: (id: string) => Instance | undefined): void {
    const known = (backends: Preview['backends']) => backends.flatMap(({ id }) => instanceOf(id) ?? []);
    this.#routing = routing;
    this.#instances = known(routing.backends);
    this.#preview = routing.preview && {
      header: routing.preview.header.toLowerCase(),
      value: routing.preview.value,
      instances: known(routing.preview.backends),
    };
  }

  /** The routing has it no more; what is under way goes on. */
  retire(): void {
    this.#instances = [];
    this.#preview = null;
    this.hold.endAll();
  }

  /** Least requests in flight, of those that this round did not try yet. */
  pick(call: Call): Instance | undefined {
    const all = this.#poolFor(call);
    const left = call.triedSome ? all.filter(({ id }) => !call.wasTried(id)) : all;
    this.#turn += 1;
    return leastLoaded(left, loadOf, this.#turn);
  }

  get hasInstances(): boolean {
    return this.#instances.length > 0;
  }

  refusedOne(): void {
    this.#refused += 1;
  }

  counts(): ServiceCounts {
    return {
      service: this.name,
      heldTotal: this.hold.heldTotal,
      holding: this.hold.waiting,
      refused: this.#refused,
    };
  }

  #poolFor(call: Call): readonly Instance[] {
    const preview = this.#preview;
    return preview && call.hasField(preview.header, preview.value) ? preview.instances : this.#instances;
  }
}
