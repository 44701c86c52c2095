/**
 * A share of a service's requests, copied to another service whose answers nobody sees. The client never waits for a
 * copy, and what a copy may keep in memory is bounded: past that, and past so many at once, copies are left out and
 * counted.
 */
import { limits } from '../core/limits.ts';
import type { ShadowPolicy } from '../core/traffic/policy.ts';
import type { Call } from './call.ts';
import { monotonicMs } from './clock.ts';
import type { Service } from './service.ts';
import type { ServiceTally } from './service-tally.ts';
import { ShadowCopy } from './shadow-copy.ts';

const NO_BODY = Buffer.alloc(0);

export interface ShadowSurroundings {
  readonly tally: ServiceTally;
  readonly serviceOf: (name: string) => Service | undefined;
}

export class Shadow {
  readonly #policy: ShadowPolicy;
  readonly #methods: ReadonlySet<string>;
  readonly #surroundings: ShadowSurroundings;
  /** In percent of a copy. */
  #owed = 0;
  #underWay = 0;

  private constructor(policy: ShadowPolicy, surroundings: ShadowSurroundings) {
    this.#policy = policy;
    this.#methods = new Set(policy.methods);
    this.#surroundings = surroundings;
  }

  /** What is under way counts on under a routing that says the same. */
  static next(
    before: Shadow | null,
    policy: ShadowPolicy | null,
    surroundings: ShadowSurroundings,
  ): Shadow | null {
    if (policy === null) return null;
    if (before !== null && JSON.stringify(before.#policy) === JSON.stringify(policy)) return before;
    return new Shadow(policy, surroundings);
  }

  /** Before the request is sent to anybody: its body is copied as it passes. */
  consider(call: Call): void {
    if (call.upgrade !== null || !this.#methods.has(call.methodName)) return;
    this.#owed += this.#policy.percent;
    if (this.#owed < 100) return;
    this.#owed -= 100;
    if (call.body === null) return this.#send(call, NO_BODY);
    call.body.copyTo(limits.gateway.shadowBodyBytesMax, (body) => this.#send(call, body));
  }

  #send(call: Call, body: Buffer | undefined): void {
    const { serviceOf, tally } = this.#surroundings;
    const to = serviceOf(this.#policy.to);
    const hasRoom = this.#underWay < limits.gateway.shadowsMax;
    const instance = hasRoom && body !== undefined ? to?.pickForShadow(call) : undefined;
    if (to === undefined || instance === undefined || body === undefined) return tally.shadowDropped();
    tally.shadowSent();
    this.#underWay += 1;
    void new ShadowCopy({
      ...{ call, body, instance },
      ticket: to.beginShadow(instance, monotonicMs()),
      responseMs: to.routing.responseMs,
      onEnd: () => (this.#underWay -= 1),
    });
  }
}
