/** Instant queries of Prometheus' HTTP API, which Thanos, Mimir and VictoriaMetrics speak, too. */
import * as z from 'zod';
import type { Clock } from '../../../ports/clock.ts';
import type { MetricAnswer, MetricSource, PrometheusQuestion } from '../../../ports/metrics.ts';
import { fetchJson, nothing } from '../fetch-json.ts';

const point = z.tuple([z.number(), z.string()]);

const answer = z.union([
  z.object({
    status: z.literal('success'),
    data: z.discriminatedUnion('resultType', [
      z.object({ resultType: z.literal('vector'), result: z.array(z.object({ value: point })) }),
      z.object({ resultType: z.literal('scalar'), result: point }),
    ]),
  }),
  z.object({ status: z.literal('error'), errorType: z.string(), error: z.string() }),
]);

export class PrometheusMetrics implements MetricSource<PrometheusQuestion> {
  readonly #clock: Clock;

  constructor(options: { readonly clock: Clock }) {
    this.#clock = options.clock;
  }

  async read(
    { url, query, headers }: PrometheusQuestion,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<MetricAnswer> {
    const whole = `${url.replace(/\/+$/, '')}/api/v1/query?query=${encodeURIComponent(query)}`;
    const fetched = await fetchJson({ url: whole, headers, timeoutMs, signal, clock: this.#clock });
    if (fetched.type === 'nothing') return fetched;
    const { success, data: read } = answer.safeParse(fetched.json);
    if (!success) return nothing(`it answered ${fetched.status} with what is no instant vector or scalar`);
    if (read.status === 'error') return nothing(`it refused the query: ${read.errorType}: ${read.error}`);
    if (fetched.status !== 200) return nothing(`it answered ${fetched.status}`);
    if (read.data.resultType === 'scalar') return numberIn(read.data.result[1]);
    const [first, ...more] = read.data.result;
    if (!first) return nothing('the query found no series');
    if (more.length > 0)
      return nothing(`the query found ${more.length + 1} series where one is needed; sum() makes one`);
    return numberIn(first.value[1]);
  }
}

/** 0/0 is NaN, and no value. */
function numberIn(text: string): MetricAnswer {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return { type: 'value', value };
  return nothing(`the query gave ${text === '' ? 'nothing' : text}, which is not a number`);
}
