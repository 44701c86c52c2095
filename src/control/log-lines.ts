import { SegueError } from '../core/errors.ts';
import type { LogLine } from '../wire/api.ts';
import type { Control } from './control.ts';
import { merge } from './merge.ts';

export interface LogQuery {
  readonly service: string | null;
  readonly instance: string | null;
  readonly lines: number;
  readonly follow: boolean;
}

/** The last lines of the chosen instances, then with `follow` each new one of theirs. Throws for unknown ones. */
export function logLines(control: Control, query: LogQuery, signal: AbortSignal): AsyncGenerator<LogLine> {
  const { follow, lines } = query;
  const { runtime } = control.ports;
  const sources = chosenInstances(control, query).map((instance) =>
    named(instance, runtime.logs(instance, { lines, follow, signal })),
  );
  return follow ? merge(sources, signal) : oneAfterTheOther(sources);
}

async function* oneAfterTheOther<T>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
  for (const source of sources) yield* source;
}

function chosenInstances({ ledger, services }: Control, { service, instance }: LogQuery): string[] {
  // An instance that has ended keeps its log for a while: the runtime knows, the ledger does not.
  if (instance !== null) return [instance];
  const known = services.some(({ name }) => service === null || name === service);
  if (!known) throw new SegueError('SERVICE_UNKNOWN', `"${service}"`);
  const all = ledger.instances.filter((i) => service === null || i.service === service);
  return all.map((i) => i.id);
}

async function* named(instance: string, lines: AsyncIterable<string>): AsyncGenerator<LogLine> {
  for await (const line of lines) yield { instance, line };
}
