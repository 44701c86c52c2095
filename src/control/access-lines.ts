/** The access log as the API tells it: the last requests, and with `follow` each further one. */
import { SegueError } from '../core/errors.ts';
import type { AccessLine } from '../wire/api.ts';
import type { Control } from './control.ts';
import type { LogQuery } from './log-lines.ts';

/** Throws for an unknown service, and where no access log is written. */
export function accessLines(
  control: Control,
  { service, instance, lines, follow }: LogQuery,
  signal: AbortSignal,
): AsyncGenerator<AccessLine> {
  if (service !== null && !control.services.some(({ name }) => name === service))
    throw new SegueError('SERVICE_UNKNOWN', `"${service}"`);
  if (control.project.gateway.accessLog === null)
    throw new SegueError('ACCESS_LOG_OFF', 'gateway.accessLog is not set.');
  const wanted = (text: string) => {
    const line = read(text);
    return (
      line !== null &&
      (service === null || line.service === service) &&
      (instance === null || line.instance === instance)
    );
  };
  return parsed(control.ports.plane.accessLog({ lines, follow, signal, wanted }));
}

async function* parsed(lines: AsyncIterable<string>): AsyncGenerator<AccessLine> {
  for await (const text of lines) {
    const line = read(text);
    if (line !== null) yield line;
  }
}

/** Null for half a line, which a full disk leaves behind. */
function read(text: string): AccessLine | null {
  try {
    const value: unknown = JSON.parse(text);
    return isLine(value) ? value : null;
  } catch {
    return null;
  }
}

const isLine = (value: unknown): value is AccessLine =>
  typeof value === 'object' && value !== null && 'time' in value && 'outcome' in value;
