import { limits } from '../core/limits.ts';

/** How many requests of a service may be sent a second time (T2), so that a bad moment is not multiplied. */
export class ReplayBudget {
  #windowFromMs = 0;
  #requests = 0;
  #replays = 0;

  request(nowMs: number): void {
    this.#turn(nowMs);
    this.#requests += 1;
  }

  /** True when one more replay is allowed; it counts as done. */
  take(nowMs: number): boolean {
    this.#turn(nowMs);
    const { replayBudgetMin, replayBudgetPercent } = limits.gateway;
    const allowed = Math.max(replayBudgetMin, (this.#requests * replayBudgetPercent) / 100);
    if (this.#replays + 1 > allowed) return false;
    this.#replays += 1;
    return true;
  }

  #turn(nowMs: number): void {
    if (nowMs - this.#windowFromMs < limits.gateway.replayWindowMs) return;
    this.#windowFromMs = nowMs;
    this.#requests = 0;
    this.#replays = 0;
  }
}
