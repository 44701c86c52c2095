/** What the gateway keeps for one service across routings. */
import type { Preview, ServiceRouting } from '../core/traffic/routing.ts';
import { leastLoaded } from '../core/traffic/balance.ts';
import { mayEject } from '../core/traffic/ejection.ts';
import { Admission } from './admission.ts';
import type { Call } from './call.ts';
import type { GateRules } from './gate.ts';
import { Hold, type HoldSpace } from './hold.ts';
import type { Eras } from './eras.ts';
import type { Instance } from './instance.ts';
import { ReplayBudget } from './replay-budget.ts';
import type { AssignedRow, ServiceTally } from './service-tally.ts';
import type { Ticket } from './tally.ts';

interface PreviewPool {
  readonly header: string;
  readonly value: string;
  readonly instances: readonly Instance[];
}

const loadOf = (instance: Instance) => instance.load;
const loadOfAny = (instance: Instance) => (instance.gate.room > 0 ? instance.tally.inFlight : Infinity);

export interface ServiceSurroundings {
  readonly space: HoldSpace;
  readonly tally: ServiceTally;
  readonly eras: Eras;
}

export class Service {
  readonly hold: Hold;
  readonly replays = new ReplayBudget();
  #routing: ServiceRouting;
  #instances: readonly Instance[] = [];
  #preview: PreviewPool | null = null;
  #turn = 0;
  #freed = false;
  /** Null: nothing is asked. */
  admission: Admission | null;
  readonly tally: ServiceTally;
  readonly #eras: Eras;
  /** By version. */
  readonly #rows = new Map<string, AssignedRow>();

  constructor(routing: ServiceRouting, { space, tally, eras }: ServiceSurroundings) {
    this.#routing = routing;
    this.admission = Admission.of(routing.policy);
    this.hold = new Hold(space);
    this.tally = tally;
    tally.watch(this.hold);
    this.#eras = eras;
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
    this.admission = Admission.of(routing.policy);
    this.#rows.clear();
    this.#instances = known(routing.backends);
    this.#preview = routing.preview && {
      header: routing.preview.header.toLowerCase(),
      value: routing.preview.value,
      instances: known(routing.preview.backends),
    };
    const rules: GateRules = {
      policy: routing.policy,
      share: 1,
      onFreed: () => this.#freedOne(),
      mayEject: ({ version }) => this.#mayEject(version),
    };
    for (const { gate } of this.#all) gate.configure(rules);
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
    const found = leastLoaded(left, loadOf, this.#turn);
    if (found !== undefined || !left.every(({ gate }) => gate.isOut)) return found;
    // One that fails is better than none.
    return leastLoaded(left, loadOfAny, this.#turn);
  }

  /** There are instances for it, and all of them have as many requests as they may. */
  isBusyFor(call: Call): boolean {
    return this.#poolFor(call).some(({ id, gate }) => gate.room === 0 && !call.wasTried(id));
  }

  /** Those who wait may go, as far as there is room. */
  letGo(): void {
    if (this.hold.waiting === 0) return;
    let room = 0;
    for (const { gate } of this.#all) if (gate.isOpen) room += gate.room;
    if (room === Infinity) this.hold.releaseAll();
    else this.hold.release(room);
  }

  /** The request is this instance's from here on: counted once, under the weight that gave it (T5). */
  begin(instance: Instance, nowMs: number): Ticket {
    return instance.tally.begin(this.#eras.current, this.#rowOf(instance), nowMs);
  }

  get hasInstances(): boolean {
    return this.#instances.length > 0;
  }

  #rowOf({ version }: Instance): AssignedRow {
    let row = this.#rows.get(version);
    if (!row) {
      row = this.tally.row({ version, group: null, percent: null });
      this.#rows.set(version, row);
    }
    return row;
  }

  get #all(): readonly Instance[] {
    return this.#preview ? [...this.#instances, ...this.#preview.instances] : this.#instances;
  }

  /** After everything else that the end of a request brings: its connection can be used again then. */
  #freedOne(): void {
    if (this.#freed || this.hold.waiting === 0) return;
    this.#freed = true;
    queueMicrotask(() => {
      this.#freed = false;
      this.letGo();
    });
  }

  /** R8: a version whose instances all fail keeps what it was given, so that its failures are seen. */
  #mayEject(version: string): boolean {
    const peers = this.#all.filter((other) => other.version === version);
    return mayEject(peers.length, peers.filter(({ gate }) => gate.isOut).length);
  }

  #poolFor(call: Call): readonly Instance[] {
    const preview = this.#preview;
    return preview && call.hasField(preview.header, preview.value) ? preview.instances : this.#instances;
  }
}
