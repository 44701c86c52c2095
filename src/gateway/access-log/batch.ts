/** Requests until they are written: everything is allocated once, so that keeping one costs copies and no garbage. */
import { limits } from '../../core/limits.ts';
import type { Call } from '../call.ts';
import { monotonicMs, nowMs } from '../clock.ts';
import { type LogOutcome, LogRecord } from './record.ts';

export class Batch {
  readonly heads = Buffer.allocUnsafeSlow(limits.accessLog.batchHeadBytes);
  readonly #records: LogRecord[] = [];
  #count = 0;
  #used = 0;

  get count(): number {
    return this.#count;
  }

  record(at: number): LogRecord | undefined {
    return at < this.#count ? this.#records[at] : undefined;
  }

  /** False: there is no room. */
  add(call: Call, outcome: LogOutcome, status: number): boolean {
    const { head } = call;
    if (this.#count >= limits.accessLog.batchRecords || this.#used + head.length > this.heads.length)
      return false;
    const record = (this.#records[this.#count] ??= new LogRecord());
    record.fill(call, outcome, status);
    record.atMs = nowMs();
    record.durationMs = call.startedMs === 0 ? 0 : monotonicMs() - call.startedMs;
    record.headFrom = this.#used;
    head.copy(this.heads, this.#used);
    this.#used += head.length;
    record.headTo = this.#used;
    this.#count += 1;
    return true;
  }

  clear(): void {
    this.#count = 0;
    this.#used = 0;
  }
}
