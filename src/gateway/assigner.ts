/**
 * Who gets which request when not all instances are alike: rules first, then what the session is used to, then the
 * split. Made for one routing. A request is assigned once under each (T5); retries stay where it was put.
 *
 * Keeps R3: the candidate gets what rules, sessions and its share give it and nothing else. Where it has nobody to
 * serve, its requests fall to the stable version, never the other way round.
 */
import { hashOf } from '../core/traffic/hash.ts';
import { compileMatch, type Geo, type Matcher } from '../core/traffic/matcher.ts';
import type { ServiceRouting } from '../core/traffic/routing.ts';
import { shuffled, SLOTS, type Slots } from '../core/traffic/slots.ts';
import { type Group, groupAt, type Share } from '../core/traffic/split.ts';
import type { Balancer } from './balancer.ts';
import type { Call } from './call.ts';
import type { Instance } from './instance.ts';
import { Part } from './part.ts';
import type { SlotOrders } from './slot-orders.ts';
import type { CallSession, Stickiness } from './stickiness.ts';

interface CompiledRule {
  readonly matches: Matcher;
  readonly part: Part;
  /** Those who match and are not in that part: stable's, counted under the same rule. */
  readonly rest: Part;
  readonly slots: Slots;
}

export interface AssignerOptions {
  readonly routing: ServiceRouting;
  readonly instances: readonly Instance[];
  readonly orders: SlotOrders;
  readonly stickiness: Stickiness | null;
  readonly balancer: Balancer;
  readonly geo: Geo | null;
}

export class Assigner {
  readonly #balancer: Balancer;
  readonly #stickiness: Stickiness | null;
  readonly #slots: Slots;
  readonly #stable: Part;
  readonly #candidate: Part;
  readonly #baseline: Part;
  readonly #percents: { readonly candidate: number; readonly baseline: number };
  readonly #rules: readonly CompiledRule[];
  /** Who has the others of those that match, by the part that has some of them. */
  readonly #rests: ReadonlyMap<Part, Part>;
  /** Of this release: other releases meet other sessions first. */
  readonly #salt: number;

  constructor({ routing, instances, orders, stickiness, balancer, geo }: AssignerOptions) {
    this.#balancer = balancer;
    this.#stickiness = stickiness;
    this.#slots = orders.requests;
    const shares = routing.split ?? [everything(routing)];
    const partOf = (group: Group): Part => {
      const share = shares.find((one) => one.group === group);
      const ids = new Set(share?.backends);
      const { version, percent } = share ?? { version: '', percent: 0 };
      const options = { owner: this, group, version, percent, isShare: routing.split !== null, rule: null };
      return new Part({ ...options, instances: instances.filter(({ id }) => ids.has(id)), stickiness });
    };
    this.#stable = partOf('stable');
    this.#candidate = partOf('candidate');
    this.#baseline = partOf('baseline');
    this.#percents = { candidate: this.#candidate.percent, baseline: this.#baseline.percent };
    const slots = orders.forRules(routing.rules.map((rule) => JSON.stringify(rule)));
    this.#rules = routing.rules.map(({ name, match, percent, group }, i) => ({
      matches: compileMatch(match, geo),
      part: this.#partOf(group).under(name, percent),
      rest: this.#stable.under(name, SLOTS - percent),
      slots: slots[i] ?? orders.requests,
    }));
    this.#rests = new Map(this.#rules.map(({ part, rest }) => [part, rest]));
    this.#salt = hashOf(`${routing.service} ${this.#candidate.version}`);
  }

  pick(call: Call): Instance | undefined {
    if (this.#stickiness && call.session === null) call.session = this.#stickiness.sessionOf(call);
    const assigned = this.#assignedTo(call);
    const instance = this.#pickFrom(assigned, call);
    call.part = instance ? assigned : (this.#rests.get(assigned) ?? this.#stable);
    return instance ?? (assigned.group === 'stable' ? undefined : this.#pickFrom(this.#stable, call));
  }

  /** Those who may get it, as far as that is known. */
  instancesFor(call: Call): readonly Instance[] {
    const assigned = this.#assignedTo(call);
    if (assigned.group === 'stable') return assigned.instances;
    return [...assigned.instances, ...this.#stable.instances];
  }

  #assignedTo(call: Call): Part {
    if (call.assigned?.owner !== this) call.assigned = this.#assign(call);
    return call.assigned;
  }

  #pickFrom({ instances, places }: Part, call: Call): Instance | undefined {
    const { session } = call;
    if (session === null || places === null || !this.#stickiness) return this.#balancer.pick(instances, call);
    const home = this.#stickiness.home(session, places, call);
    if (home) return home;
    const alike = this.#stickiness.alike(session, places);
    return (alike && this.#balancer.pick(alike, call)) ?? this.#balancer.pick(instances, call);
  }

  #assign(call: Call): Part {
    const { session } = call;
    for (const { matches, part, rest, slots } of this.#rules) {
      if (!matches(call)) continue;
      if (part.percent === SLOTS) return part;
      const slot = session ? this.#slotOf(session) : slots.take();
      return slot < part.percent ? part : rest;
    }
    if (session === null) return this.#partOf(groupAt(this.#slots.take(), this.#percents));
    // Whoever met the candidate stays with it for as long as it has a share, however small that becomes.
    if (this.#percents.candidate > 0 && this.#stickiness?.wasServedBy(session, this.#candidate.version)) {
      return this.#candidate;
    }
    return this.#partOf(groupAt(this.#slotOf(session), this.#percents));
  }

  #slotOf({ slot }: CallSession): number {
    return shuffled(slot, this.#salt);
  }

  #partOf(group: Group): Part {
    if (group === 'candidate') return this.#candidate;
    return group === 'baseline' ? this.#baseline : this.#stable;
  }
}

/** Without a split all are stable. */
function everything({ backends }: ServiceRouting): Share {
  const version = backends[0]?.version ?? '';
  return { group: 'stable', version, percent: 100, backends: backends.map(({ id }) => id) };
}
