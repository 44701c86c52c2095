/**
 * The access log. A request is kept in a batch when it ends; lines are made and written some time later, a few at a
 * time. A disk that is slow or full costs lines, which are counted, and never time of a request.
 */
import { limits } from '../../core/limits.ts';
import type { AccessLogSettings } from '../../core/traffic/settings.ts';
import type { Call } from '../call.ts';
import { timer } from '../clock.ts';
import { Batch } from './batch.ts';
import type { AccessLogFile } from './log-file.ts';
import { logLine } from './line.ts';
import { ANSWERED, type LogOutcome } from './record.ts';

export class AccessLog {
  readonly #file: AccessLogFile;
  readonly #onDropped: (lines: number) => void;
  #settings: AccessLogSettings;
  #filling = new Batch();
  #spare: Batch | null = new Batch();
  #writing: Promise<void> = Promise.resolve();
  #due: NodeJS.Timeout | undefined;
  #sampled = 0;

  constructor(settings: AccessLogSettings, file: AccessLogFile, onDropped: (lines: number) => void) {
    this.#settings = settings;
    this.#file = file;
    this.#onDropped = onDropped;
  }

  set settings(settings: AccessLogSettings) {
    this.#settings = settings;
  }

  /** The last word on a request. `status` 0: no response was begun. */
  record(call: Call, outcome: LogOutcome, status: number): void {
    const good = outcome === ANSWERED && status < 500;
    if (good && !this.#isSampled()) return;
    if (!this.#filling.add(call, outcome, status)) this.#onDropped(1);
    this.#due ??= timer(() => this.#flush(), limits.accessLog.flushIntervalMs);
  }

  /** Resolves when everything that was kept is written or given up. */
  async close(): Promise<void> {
    clearTimeout(this.#due);
    await this.#writing;
    this.#flush();
    await this.#writing;
    await this.#file.close();
  }

  /** Evenly: of 10 requests at 30% the 4th, the 7th and the 10th. */
  #isSampled(): boolean {
    this.#sampled += this.#settings.samplePercent;
    if (this.#sampled < 100) return false;
    this.#sampled -= 100;
    return true;
  }

  #flush(): void {
    this.#due = undefined;
    const full = this.#filling;
    if (full.count === 0) return;
    if (this.#spare === null) {
      // The one before is not written yet: what there is no room for until then is dropped.
      this.#due = timer(() => this.#flush(), limits.accessLog.flushIntervalMs);
      return;
    }
    this.#filling = this.#spare;
    this.#spare = null;
    this.#writing = this.#write(full);
  }

  /** Never rejects. */
  async #write(batch: Batch): Promise<void> {
    for (let at = 0; at < batch.count; at += limits.accessLog.linesPerTurn) {
      const lines: string[] = [];
      const to = Math.min(batch.count, at + limits.accessLog.linesPerTurn);
      for (let each = at; each < to; each += 1) {
        const record = batch.record(each);
        if (record) lines.push(logLine(record, batch.heads, this.#settings.query));
      }
      const written = await this.#file.append(`${lines.join('\n')}\n`);
      if (!written) this.#onDropped(lines.length);
    }
    batch.clear();
    this.#spare = batch;
  }
}
