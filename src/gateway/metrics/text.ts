/** Writes Prometheus' text format, version 0.0.4: families one after the other, each with its samples. */

export type Labels = Readonly<Record<string, string>>;

export interface HistogramSample {
  /** Upper ends, rising. */
  readonly bounds: readonly number[];
  /** Up to each bound, and all of them at the end: one more than there are bounds. */
  readonly counts: readonly number[];
  readonly sum: number;
}

export class Exposition {
  readonly #lines: string[] = [];
  #name = '';

  family(name: string, type: 'counter' | 'gauge' | 'histogram', help: string): void {
    this.#name = name;
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
  }

  /** Of the family begun last. */
  sample(labels: Labels, value: number): void {
    this.#line(this.#name, labels, value);
  }

  single(name: string, type: 'counter' | 'gauge', help: string, value: number): void {
    this.family(name, type, help);
    this.sample({}, value);
  }

  histogram(labels: Labels, { bounds, counts, sum }: HistogramSample): void {
    for (const [at, bound] of bounds.entries())
      this.#line(`${this.#name}_bucket`, { ...labels, le: number(bound) }, counts[at] ?? 0);
    const all = counts.at(-1) ?? 0;
    this.#line(`${this.#name}_bucket`, { ...labels, le: '+Inf' }, all);
    this.#line(`${this.#name}_sum`, labels, sum);
    this.#line(`${this.#name}_count`, labels, all);
  }

  get text(): string {
    return `${this.#lines.join('\n')}\n`;
  }

  #line(name: string, labels: Labels, value: number): void {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
    this.#lines.push(`${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${number(value)}`);
  }
}

/** No more digits than it has: 0.2 ms times a power of two in seconds would show its rounding. */
const number = (value: number) => String(Number(value.toPrecision(12)));

function escaped(text: string): string {
  return text
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`);
}
