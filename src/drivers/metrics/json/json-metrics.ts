/** A number somewhere in the JSON that an address answers with. */
import type { Clock } from '../../../ports/clock.ts';
import type { JsonQuestion, MetricAnswer, MetricSource } from '../../../ports/metrics.ts';
import { fetchJson, nothing } from '../fetch-json.ts';

export class JsonMetrics implements MetricSource<JsonQuestion> {
  readonly #clock: Clock;

  constructor(options: { readonly clock: Clock }) {
    this.#clock = options.clock;
  }

  async read(
    { url, value: path, headers }: JsonQuestion,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<MetricAnswer> {
    const fetched = await fetchJson({ url, headers, timeoutMs, signal, clock: this.#clock });
    if (fetched.type === 'nothing') return fetched;
    if (fetched.status !== 200) return nothing(`it answered ${fetched.status}`);
    const found = path.reduce(memberOf, fetched.json);
    const place = path.join('.');
    if (found === undefined) return nothing(`its answer has no ${place}`);
    if (typeof found === 'number' && Number.isFinite(found)) return { type: 'value', value: found };
    return nothing(`${place} in its answer is ${kindOf(found)}, not a number`);
  }
}

function memberOf(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return /^\d+$/.test(name) ? value[Number(name)] : undefined;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'string':
      return 'text';
    case 'boolean':
      return String(value);
    case 'number':
      return 'too large';
    default:
      return 'an object';
  }
}
