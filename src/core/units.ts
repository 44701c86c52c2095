/** Times and shares as people write them. Pure text in, numbers out; undefined means "not one of these". */
const DURATION = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/;
const MS_PER: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `500ms`, `30s`, `10m`, `1h`, `7d`, or a bare `0`; result in milliseconds. */
export function parseDurationMs(text: string): number | undefined {
  if (text === '0') return 0;
  const [, number, unit] = DURATION.exec(text) ?? [];
  const msPer = MS_PER[unit ?? ''];
  if (msPer === undefined) return undefined;
  const durationMs = Math.round(Number(number) * msPer);
  return Number.isSafeInteger(durationMs) ? durationMs : undefined;
}

/** The shortest honest form: `480ms`, `2.4s`, `3m 20s`, `2h 5m`, `4d 3h`. What rounds up to a unit is written in it. */
export function formatDurationMs(durationMs: number): string {
  const ms = Math.max(0, durationMs);
  if (ms < 9.95) return `${Number(ms.toFixed(1))}ms`;
  if (ms < 999.5) return `${Math.round(ms)}ms`;
  if (ms < 59_950) return `${Number((ms / 1_000).toFixed(1))}s`;
  if (ms < 3_599_500) return formatPair(Math.round(ms / 1_000), 60, 'm', 's');
  if (ms < 86_370_000) return formatPair(Math.round(ms / 60_000), 60, 'h', 'm');
  return formatPair(Math.round(ms / 3_600_000), 24, 'd', 'h');
}

function formatPair(smalls: number, smallsPerBig: number, bigName: string, smallName: string): string {
  const bigs = Math.floor(smalls / smallsPerBig);
  const rest = smalls % smallsPerBig;
  return rest === 0 ? `${bigs}${bigName}` : `${bigs}${bigName} ${rest}${smallName}`;
}

/** `5%` or `5`: a share in percent, 0 to 100. */
export function parseSharePercent(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*%?$/.exec(text);
  if (!match) return undefined;
  const value = Number(match[1]);
  return value <= 100 ? value : undefined;
}

/** `1.5x`, or `1.5`: how many times something. */
export function parseTimes(text: string): number | undefined {
  const [, number] = /^(\d+(?:\.\d+)?)\s*x?$/.exec(text) ?? [];
  return number === undefined ? undefined : Number(number);
}

/** With three digits that count: `0.0123`, `4.56`, `1234`. */
export function formatNumber(value: number): string {
  return String(Math.abs(value) >= 1_000 ? Math.round(value) : Number(value.toPrecision(3)));
}

const BYTES = /^(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|TB)?$/i;
const BYTES_PER: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1024,
  MB: 1024 ** 2,
  GB: 1024 ** 3,
  TB: 1024 ** 4,
};

/** `500KB`, `10MB`, or a bare number of bytes; units of 1024, as `formatBytes` writes them. */
export function parseBytes(text: string): number | undefined {
  const [, number, unit = 'B'] = BYTES.exec(text) ?? [];
  const size = Math.round(Number(number) * (BYTES_PER[unit.toUpperCase()] ?? Number.NaN));
  return Number.isSafeInteger(size) ? size : undefined;
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'] as const;
  let value = bytes;
  let unit = 0;
  while (value >= 1023.5 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 9.95 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** `1 request`, `2 requests`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : noun.endsWith('s') ? 'es' : 's'}`;
}
