/**
 * Copies of a share of a service's requests, whose answers no client gets. The client never waits for a copy, and
 * what a copy may keep in memory is bounded: past that, and past so many at once, copies are left out and counted.
 */
import { limits } from '../core/limits.ts';
import type { BodyDigest } from './body-digest.ts';
import type { Call } from './call.ts';
import { monotonicMs } from './clock.ts';
import type { Instance } from './instance.ts';
import { ShadowCopy } from './shadow-copy.ts';
import type { Ending } from './tally.ts';

const NO_BODY = Buffer.alloc(0);

/** Where copies go. */
export interface ShadowAim {
  /** The same for aims that mean the same. */
  readonly key: string;
  readonly percent: number;
  readonly methods: ReadonlySet<string>;
  /** A copy of this request is to be sent, as soon as its body is there. */
  readonly chosen: (call: Call) => void;
  /** Undefined: nobody can take it now. */
  readonly landing: (call: Call, nowMs: number) => Landing | undefined;
  readonly dropped: (call: Call) => void;
}

/** Of one copy, and who wants to know how it ends. */
export interface Landing {
  readonly instance: Instance;
  /** Until its head, and then until its end. */
  readonly responseMs: number;
  /** Takes the data of the body; null: nobody wants it. */
  readonly digest: BodyDigest | null;
  readonly passed: (bytesIn: number, bytesOut: number) => void;
  /** Once. `abandoned`: its end says nothing of the instance. */
  readonly ended: (ending: Ending, nowMs: number) => void;
}

export class Shadow {
  #aim: ShadowAim;
  /** In percent of a copy. */
  #owed = 0;
  #underWay = 0;

  private constructor(aim: ShadowAim) {
    this.#aim = aim;
  }

  /** What is under way counts on under a routing that means the same. */
  static next(before: readonly Shadow[], aims: readonly ShadowAim[]): readonly Shadow[] {
    return aims.map((aim) => {
      const same = before.find((shadow) => shadow.#aim.key === aim.key);
      if (same === undefined) return new Shadow(aim);
      same.#aim = aim;
      return same;
    });
  }

  /** Before the request is sent to anybody: its body is copied as it passes. */
  consider(call: Call): void {
    const { percent, methods } = this.#aim;
    if (call.upgrade !== null || !methods.has(call.methodName)) return;
    this.#owed += percent;
    if (this.#owed < 100) return;
    this.#owed -= 100;
    this.#aim.chosen(call);
    if (call.body === null) return this.#send(call, NO_BODY);
    call.body.copyTo(limits.gateway.shadowBodyBytesMax, (body) => this.#send(call, body));
  }

  #send(call: Call, body: Buffer | undefined): void {
    const hasRoom = this.#underWay < limits.gateway.shadowsMax;
    const landing = hasRoom && body !== undefined ? this.#aim.landing(call, monotonicMs()) : undefined;
    if (landing === undefined || body === undefined) return this.#aim.dropped(call);
    this.#underWay += 1;
    void new ShadowCopy({
      ...{ call, body, landing },
      onEnd: () => (this.#underWay -= 1),
    });
  }
}
