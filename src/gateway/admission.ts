/** What a service asks of a request before anything is done for it. */
import { limits } from '../core/limits.ts';
import { Networks } from '../core/traffic/networks.ts';
import type { Policy } from '../core/traffic/policy.ts';
import type { Call } from './call.ts';
import { answer, answerPage } from './replies.ts';
import type { ServiceTally } from './service-tally.ts';

export class Admission {
  readonly #policy: Policy;
  readonly #tally: ServiceTally;
  /** Served during maintenance. */
  readonly #allowed: Networks;

  /** Null when there is nothing to ask. */
  static of(policy: Policy, tally: ServiceTally): Admission | null {
    const { requestMs, halfClosedMs, bodyBytesMax, maintenance } = policy;
    const asksNothing =
      requestMs === null &&
      halfClosedMs === limits.gateway.halfClosedMs &&
      bodyBytesMax === null &&
      maintenance === null;
    return asksNothing ? null : new Admission(policy, tally);
  }

  private constructor(policy: Policy, tally: ServiceTally) {
    this.#policy = policy;
    this.#tally = tally;
    this.#allowed = new Networks(policy.maintenance?.allow ?? []);
  }

  /** False: it has its answer. */
  admit(call: Call, nowMs: number): boolean {
    const { requestMs, halfClosedMs, bodyBytesMax, maintenance } = this.#policy;
    if (maintenance !== null && !this.#allowed.has(call.address)) {
      this.#tally.turnedAwayOne();
      answerPage(call, maintenance);
      return false;
    }
    if (requestMs !== null) call.deadlineMs = nowMs + requestMs;
    call.halfClosedMs = halfClosedMs;
    if (bodyBytesMax === null || call.body === null || call.body.boundTo(bodyBytesMax)) return true;
    this.#tally.turnedAwayOne();
    answer(call, 'body-too-large');
    return false;
  }
}
