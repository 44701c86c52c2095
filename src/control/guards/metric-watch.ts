/** Asks one outside metric again and again, for as long as its release is judged. */
import type { MetricChoice, MetricOrigin } from '../../core/judge/guard-choices.ts';
import type { GuardRecords } from '../../core/judge/guard-records.ts';
import { type GuardLevel, MetricGuard } from '../../core/judge/metric-guard.ts';
import {
  anyOf,
  escapeForPromQl,
  fill,
  type Placeholder,
  placeholdersIn,
} from '../../core/judge/placeholders.ts';
import type { GuardFinding } from '../../core/judge/verdict.ts';
import type { InstanceRecord, ReleaseRecord } from '../../core/release/records.ts';
import type { MetricAnswer } from '../../ports/metrics.ts';
import { type GuardParts, type GuardSource, repeat, sidesOf } from './guard-source.ts';
import { headersIn } from './metric-headers.ts';

export interface MetricOrder {
  readonly name: string;
  readonly choice: MetricChoice;
  readonly level: GuardLevel;
  readonly release: ReleaseRecord;
  /** What an earlier control gathered. */
  readonly before: GuardRecords | null;
}

type Values = Partial<Record<Placeholder, string>>;

export class MetricWatch implements GuardSource {
  readonly #parts: GuardParts;
  readonly #order: MetricOrder;
  readonly #guard: MetricGuard;
  readonly #closing = new AbortController();

  constructor(order: MetricOrder, parts: GuardParts) {
    const { name, choice, level, before } = order;
    const { clock } = parts.ports;
    this.#parts = parts;
    this.#order = order;
    const begun = { atMs: clock.monotonicMs(), before: before?.metrics[name] ?? null };
    this.#guard = new MetricGuard(name, choice, level, begun);
    void repeat(choice.everyMs, () => this.#look(), { clock }, this.#closing.signal);
  }

  async #look(): Promise<void> {
    const { choice, release } = this.#order;
    const { candidate, stable } = sidesOf(release, this.#parts);
    const isCompared = choice.rule.type === 'compare';
    // At the same moment: what both sides share must not differ between the two.
    const [mine, theirs] = await Promise.all([
      this.#ask(release.to, candidate),
      isCompared ? this.#ask(release.from, stable) : null,
    ]);
    if (this.#closing.signal.aborted) return;
    if (mine.type === 'nothing') this.#guard.fail(mine.why);
    else if (theirs?.type === 'nothing') this.#guard.fail(`stable: ${theirs.why}`);
    else
      this.#guard.take({
        atMs: this.#parts.ports.clock.monotonicMs(),
        candidate: mine.value,
        stable: theirs?.value ?? null,
      });
  }

  async #ask(version: string | null, instances: readonly InstanceRecord[]): Promise<MetricAnswer> {
    const { origin, timeoutMs } = this.#order.choice;
    const { metrics, environment } = this.#parts.ports;
    const values = this.#valuesFor(version, instances);
    const looked = headersIn(environment, origin.headers);
    if (looked.type === 'missing')
      return { type: 'nothing', why: `${looked.name} is not in control's environment` };
    const { headers } = looked;
    const open = openIn(origin, values);
    if (open !== undefined) return { type: 'nothing', why: `there is nothing to put for {{${open}}} now` };
    const { signal } = this.#closing;
    if (origin.type === 'prometheus') {
      const query = fill(origin.query, values, escapeForPromQl);
      return metrics.prometheus.read({ url: origin.url, query, headers }, timeoutMs, signal);
    }
    const url = fill(origin.url, values, encodeURIComponent);
    return metrics.json.read({ url, value: origin.value, headers }, timeoutMs, signal);
  }

  #valuesFor(version: string | null, instances: readonly InstanceRecord[]): Values {
    const { service, from } = this.#order.release;
    const several = {
      instances: anyOf(instances.map(({ id }) => id)),
      addresses: anyOf(instances.map(({ host, port }) => `${host}:${port}`)),
    };
    return {
      service,
      ...(version === null ? {} : { version }),
      ...(from === null ? {} : { stableVersion: from }),
      // Nothing in its place would match everything, or what has no such label.
      ...(instances.length === 0 ? {} : several),
    };
  }

  beginStage(): void {
    this.#guard.beginStage(this.#parts.ports.clock.monotonicMs());
  }

  findings(): GuardFinding[] {
    return [this.#guard.finding(this.#parts.ports.clock.monotonicMs())];
  }

  addTo(records: GuardRecords): GuardRecords {
    const metrics = { ...records.metrics, [this.#order.name]: this.#guard.gathered };
    return { ...records, metrics };
  }

  close(): void {
    this.#closing.abort();
  }
}

/** The first placeholder that has no value. */
function openIn(origin: MetricOrigin, values: Values): string | undefined {
  const text = origin.type === 'prometheus' ? origin.query : origin.url;
  return placeholdersIn(text).find((name) => !Object.hasOwn(values, name));
}
