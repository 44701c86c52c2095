/** Which instance of a pool a request meets: the one with the least requests in flight, new ones a little at first. */
import { leastLoaded } from '../core/traffic/balance.ts';
import { leastLoadedWarm, warmth } from '../core/traffic/slow-start.ts';
import type { Call } from './call.ts';
import { monotonicMs } from './clock.ts';
import type { Instance } from './instance.ts';

const loadOf = (instance: Instance) => instance.load;
const loadOfAny = (instance: Instance) => (instance.gate.room > 0 ? instance.tally.inFlight : Infinity);

export class Balancer {
  #turn = 0;
  #slowStartMs = 0;
  /** From then on all instances are warm. */
  #warmAtMs = 0;

  update(slowStartMs: number, instances: readonly Instance[]): void {
    this.#slowStartMs = slowStartMs;
    this.#warmAtMs = Math.max(0, ...instances.map(({ cameAtMs }) => cameAtMs + slowStartMs));
  }

  /** Of those that this round did not try yet. */
  pick(instances: readonly Instance[], call: Call): Instance | undefined {
    const left = call.triedSome ? instances.filter(({ id }) => !call.wasTried(id)) : instances;
    this.#turn += 1;
    const slow = this.#slowStartMs > 0 && left.length > 1;
    const found = slow ? this.#pickWarm(left, monotonicMs()) : leastLoaded(left, loadOf, this.#turn);
    if (found !== undefined || !left.every(({ gate }) => gate.isOut)) return found;
    // One that fails is better than none.
    return leastLoaded(left, loadOfAny, this.#turn);
  }

  #pickWarm(instances: readonly Instance[], nowMs: number): Instance | undefined {
    if (nowMs >= this.#warmAtMs) {
      this.#slowStartMs = 0;
      return leastLoaded(instances, loadOf, this.#turn);
    }
    const warmthOf = ({ cameAtMs }: Instance) => warmth(nowMs - cameAtMs, this.#slowStartMs);
    const takesPart = (instance: Instance, part: number) => instance.takesPart(part);
    return leastLoadedWarm(instances, { loadOf, warmthOf, takesPart }, this.#turn);
  }
}
