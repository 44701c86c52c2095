/** One question to a source of numbers outside. What is in it is final: no placeholders, no names of variables. */
export interface PrometheusQuestion {
  /** Of the server, without `/api/v1/query`. */
  readonly url: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface JsonQuestion {
  readonly url: string;
  /** The way to the number: names of members, and places in lists. */
  readonly value: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
}

/** Either one finite number, or why there is none in one short line without secrets. */
export type MetricAnswer =
  { readonly type: 'value'; readonly value: number } | { readonly type: 'nothing'; readonly why: string };

export interface MetricSource<Question> {
  /** Never throws: a source that is down, slow or wrong is a normal answer (R8). */
  read(question: Question, timeoutMs: number, signal?: AbortSignal): Promise<MetricAnswer>;
}

export interface MetricSources {
  readonly prometheus: MetricSource<PrometheusQuestion>;
  readonly json: MetricSource<JsonQuestion>;
}
