/** What the gateway keeps for one service across routings. */
import { Networks } from '../core/traffic/networks.ts';
import { mayEject } from '../core/traffic/ejection.ts';
import type { Geo } from '../core/traffic/matcher.ts';
import type { Tls } from '../core/project.ts';
import type { ServiceRouting } from '../core/traffic/routing.ts';
import { Admission } from './admission.ts';
import { Assigner } from './assigner.ts';
import { Balancer } from './balancer.ts';
import type { Call } from './call.ts';
import { EdgeFlagDesk, tellFlags } from './edge-flags.ts';
import type { Eras } from './eras.ts';
import type { GateRules } from './gate.ts';
import { Hold, type HoldSpace } from './hold.ts';
import type { Instance } from './instance.ts';
import { ReplayBudget } from './replay-budget.ts';
import type { AssignedRow, ServiceTally } from './service-tally.ts';
import { Shadow, type ShadowAim } from './shadow.ts';
import { shadowToCandidate } from './shadow-to-candidate.ts';
import { shadowToService } from './shadow-to-service.ts';
import { SlotOrders } from './slot-orders.ts';
import { type CallSession, Stickiness } from './stickiness.ts';
import type { Ticket } from './tally.ts';

const NOBODY = new Networks([]);

export interface ServiceSurroundings {
  readonly space: HoldSpace;
  readonly tally: ServiceTally;
  readonly eras: Eras;
}

/** What of a routing concerns every service. */
export interface RoutingSurroundings {
  /** The same for the same settings. */
  readonly key: string;
  /** Whose word on other clients counts; the same object until it changes. */
  readonly trust: Networks;
  readonly geo: Geo | null;
  readonly stickyKey: string | null;
  readonly instanceOf: (id: string) => Instance | undefined;
  readonly serviceOf: (name: string) => Service | undefined;
  /** This process's part of what is bounded for the whole gateway. */
  readonly share: number;
}

export class Service {
  readonly hold: Hold;
  readonly replays = new ReplayBudget();
  #routing: ServiceRouting;
  #instances: readonly Instance[] = [];
  /** Null: all instances are alike. */
  #assigner: Assigner | null = null;
  #stickiness: Stickiness | null = null;
  #flags: EdgeFlagDesk | null = null;
  readonly #balancer = new Balancer();
  readonly #orders = new SlotOrders();
  #freed = false;
  /** What the routing in force wants done here and was not done yet. */
  #due: (() => void) | null = null;
  /** Null: nothing is asked. */
  admission: Admission | null;
  /** For those who came by TLS; null: none. */
  hsts: Buffer | null;
  /** Empty: nothing is copied. */
  shadows: readonly Shadow[] = [];
  /** Whose word on other clients counts. */
  trust: Networks = NOBODY;
  readonly tally: ServiceTally;
  readonly #eras: Eras;
  /** By version. */
  readonly #rows = new Map<string, AssignedRow>();

  constructor(routing: ServiceRouting, { space, tally, eras }: ServiceSurroundings) {
    this.#routing = routing;
    this.hsts = hstsLine(routing.tls);
    this.hold = new Hold(space, () => this.letGo());
    this.tally = tally;
    this.admission = Admission.of(routing.policy, tally);
    tally.watch(this.hold);
    this.#eras = eras;
  }

  get name(): string {
    return this.#routing.service;
  }

  get routing(): ServiceRouting {
    return this.#routing;
  }

  /** From now on it is this one's. What that takes is done when it is settled, and before anything else happens. */
  change(routing: ServiceRouting, due: () => void): void {
    this.settle();
    this.#routing = routing;
    this.#due = due;
  }

  settle(): void {
    if (this.#due === null) return;
    const due = this.#due;
    this.#due = null;
    due();
  }

  update(
    routing: ServiceRouting,
    { trust, geo, stickyKey, instanceOf, serviceOf, share }: RoutingSurroundings,
  ): void {
    this.trust = trust;
    this.#routing = routing;
    this.admission = Admission.of(routing.policy, this.tally);
    this.hsts = hstsLine(routing.tls);
    this.#rows.clear();
    this.#instances = routing.backends.flatMap(({ id }) => instanceOf(id) ?? []);
    this.shadows = Shadow.next(this.shadows, this.#shadowAims(routing, serviceOf));
    this.#balancer.update(routing.slowStartMs, this.#instances);
    this.#stickiness = this.#stickinessFor(routing, stickyKey);
    this.#flags = EdgeFlagDesk.next(this.#flags, routing.flags, stickyKey, this.tally);
    const alike = routing.split === null && routing.rules.length === 0 && this.#stickiness === null;
    const parts = { routing, geo, instances: this.#instances, orders: this.#orders };
    this.#assigner = alike
      ? null
      : new Assigner({ ...parts, stickiness: this.#stickiness, balancer: this.#balancer });
    const rules: GateRules = {
      policy: routing.policy,
      share,
      onFreed: () => this.#freedOne(),
      onAnswered: () => this.#answeredOne(),
      mayEject: ({ version }) => this.#mayEject(version),
    };
    for (const { gate } of this.#instances) gate.configure(rules);
  }

  /** The routing has it no more; what is under way goes on. */
  retire(): void {
    this.settle();
    this.#instances = [];
    this.#assigner = null;
    this.hold.endAll();
  }

  pick(call: Call): Instance | undefined {
    this.settle();
    if (this.#assigner !== null) return this.#assigner.pick(call);
    return this.#balancer.pick(this.#instances, call);
  }

  /** Whichever has the least to do: copies are nobody's session and no version's share. */
  pickForShadow(call: Call): Instance | undefined {
    this.settle();
    return this.#balancer.pick(this.#instances, call);
  }

  beginShadow(instance: Instance, nowMs: number): Ticket {
    return instance.tally.begin(this.#eras.current, this.#rowOf(instance), nowMs);
  }

  /** There are instances for it, and all of them have as many requests as they may. */
  isBusyFor(call: Call): boolean {
    const own = this.#assigner?.instancesFor(call) ?? this.#instances;
    return own.some(({ id, gate }) => gate.room === 0 && !call.wasTried(id));
  }

  /** Those who wait may go, as far as there is room, and no faster than instances take them. */
  letGo(): void {
    this.settle();
    if (this.hold.waiting === 0) return;
    let open = 0;
    let room = 0;
    for (const { gate } of this.#instances) {
      if (!gate.isOpen) continue;
      open += 1;
      room += gate.room;
    }
    room = Math.min(room, this.hold.roomAt(open));
    const assigner = this.#assigner;
    // Where there is room for one there may be none for another: nobody is kept back by whom it does not help.
    if (assigner === null) this.hold.release(room);
    else this.hold.release(room, (call) => assigner.instancesFor(call).some(({ gate }) => gate.isOpen));
  }

  /** The request is this instance's from here on: counted once, under the weight that gave it (T5). */
  begin(instance: Instance, call: Call, nowMs: number): Ticket {
    const row = call.part === null ? this.#rowOf(instance) : call.part.rowOf(instance, this.tally);
    const ticket = instance.tally.begin(this.#eras.current, row, nowMs);
    const { session } = call;
    if (session !== null) ticket.session = session.label;
    if (call.sends <= 1 && isDecision(session)) row.countDecision();
    if (session?.cookie === null) row.countKey(session.hash);
    if (call.pair !== null) ticket.pair = call.pair;
    if (this.#flags !== null) {
      call.flags = this.#flags.outcomeOf(call, instance.version, call.flags);
      tellFlags(ticket, call.flags, instance.version);
    }
    return ticket;
  }

  /** The lines that tell the client where its session is and who it is; null when it knows, or when nobody asks. */
  cookieLines(call: Call, instance: Instance): Buffer | null {
    const session = call.session === null ? null : (this.#stickiness?.cookieLine(call, instance) ?? null);
    const visitor = call.flags === null ? null : call.flags.cookie;
    return session !== null && visitor !== null ? Buffer.concat([session, visitor]) : (session ?? visitor);
  }

  get hasInstances(): boolean {
    return this.#instances.length > 0;
  }

  #rowOf({ version }: Instance): AssignedRow {
    let row = this.#rows.get(version);
    if (!row) {
      row = this.tally.row({ version, group: null, percent: null, rule: null });
      this.#rows.set(version, row);
    }
    return row;
  }

  #answeredOne(): void {
    if (this.hold.waiting === 0) return;
    this.hold.answeredOne();
    this.#freedOne();
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
    const peers = this.#instances.filter((other) => other.version === version);
    return mayEject(peers.length, peers.filter(({ gate }) => gate.isOut).length);
  }

  #shadowAims(
    { policy, shadow: share, split, responseMs }: ServiceRouting,
    serviceOf: RoutingSurroundings['serviceOf'],
  ): ShadowAim[] {
    const { tally } = this;
    const aims = policy.shadow === null ? [] : [shadowToService({ policy: policy.shadow, tally, serviceOf })];
    const candidate = split?.find(({ group }) => group === 'candidate');
    if (share === null || candidate === undefined) return aims;
    const instances = this.#instances.filter(({ id }) => candidate.backends.includes(id));
    const { version } = candidate;
    return [
      ...aims,
      shadowToCandidate({ share, version, instances, responseMs, tally: tally.shadowOf(version) }),
    ];
  }

  #stickinessFor({ service, sticky }: ServiceRouting, key: string | null): Stickiness | null {
    if (sticky === null || key === null) return null;
    const same = this.#stickiness?.fits({ service, sticky, key }) ? this.#stickiness : null;
    return same ?? new Stickiness({ service, sticky, key, slots: this.#orders.sessions });
  }
}

/** A session that came before was decided then; one that is a hash may have been, and is not remembered. */
function isDecision(session: CallSession | null): boolean {
  return session === null || session.cookie?.known === null;
}

function hstsLine(tls: Tls | null): Buffer | null {
  if (tls === null || tls.hstsMs === null) return null;
  return Buffer.from(`Strict-Transport-Security: max-age=${Math.floor(tls.hstsMs / 1000)}\r\n`, 'latin1');
}
