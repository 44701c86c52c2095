import { formatBytes, formatDurationMs } from '../../core/units.ts';
import type { AccessLine } from '../../wire/api.ts';
import { clockTime, type Paint, type Style } from './style.ts';

/** `12:04:31 200 GET shop.example.com/cart 12ms 1.4 KB web-r1-2`, and what else there is to say. */
export function renderAccessLine(line: AccessLine, paint: Paint): string {
  const { status, method, host, path, durationMs, bytesOut, instance, outcome, retries, heldMs } = line;
  const notes = [
    ...(outcome === 'answered' ? [] : [paint('red', outcome)]),
    ...(retries > 0 ? [paint('yellow', `retried ${retries}`)] : []),
    ...(heldMs > 0 ? [paint('yellow', `held ${formatDurationMs(heldMs)}`)] : []),
  ];
  return [
    paint('dim', clockTime(Date.parse(line.time))),
    paint(styleOf(status), status === null ? '---' : String(status)),
    method,
    printable(`${host}${path}${line.query === undefined ? '' : `?${line.query}`}`),
    formatDurationMs(durationMs),
    paint('dim', formatBytes(bytesOut)),
    ...(instance === null ? [] : [paint('dim', instance)]),
    ...notes,
  ].join(' ');
}

/** A client may have sent anything; a terminal must not act on it. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '\u{fffd}');
}

function styleOf(status: number | null): Style {
  if (status === null || status >= 500) return 'red';
  return status >= 400 ? 'yellow' : 'green';
}
