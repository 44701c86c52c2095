/**
 * The orders in which a service hands out slots. They go on through all routings, so that a change of something else
 * does not begin a share anew; workers begin at different places.
 */
import { randomInt } from 'node:crypto';
import { SLOTS, Slots } from '../core/traffic/slots.ts';

export class SlotOrders {
  readonly requests = new Slots(randomInt(SLOTS));
  readonly sessions = new Slots(randomInt(SLOTS));
  #ofRules: ReadonlyMap<string, Slots> = new Map();

  /** One order for each rule, by what it says. */
  forRules(rules: readonly string[]): readonly Slots[] {
    const orders = new Map(
      rules.map((rule) => [rule, this.#ofRules.get(rule) ?? new Slots(randomInt(SLOTS))]),
    );
    this.#ofRules = orders;
    return rules.map((rule) => orders.get(rule) ?? this.requests);
  }
}
