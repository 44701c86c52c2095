/** What a service asks of a request before anything is done for it. */
import type { Policy } from '../core/traffic/policy.ts';
import type { Call } from './call.ts';
import { answer } from './replies.ts';

export class Admission {
  readonly #policy: Policy;

  /** Null when there is nothing to ask. */
  static of(policy: Policy): Admission | null {
    const { requestMs, bodyBytesMax } = policy;
    return requestMs === null && bodyBytesMax === null ? null : new Admission(policy);
  }

  private constructor(policy: Policy) {
    this.#policy = policy;
  }

  /** False: it has its answer. */
  admit(call: Call, nowMs: number): boolean {
    const { requestMs, bodyBytesMax } = this.#policy;
    if (requestMs !== null) call.deadlineMs = nowMs + requestMs;
    if (bodyBytesMax === null || call.body === null || call.body.boundTo(bodyBytesMax)) return true;
    answer(call, 'body-too-large');
    return false;
  }
}
