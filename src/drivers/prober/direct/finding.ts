import { limits } from '../../../core/limits.ts';
import type { Probe, ProbeResult } from '../../../ports/prober.ts';

/** What a question led to. Never holds header values, credentials, or more than a short quote of a body. */
export type Finding = Pick<ProbeResult, 'passed' | 'detail'>;

export const passed = (detail: string): Finding => ({ passed: true, detail });
export const failed = (detail: string): Finding => ({ passed: false, detail });
export const CALLED_OFF = failed('the probe was called off');

/** Terminals and logs get one printable line, whatever the other side sent. */
export function oneLine(text: string, charsMax: number = limits.health.detailCharsMax): string {
  const line = text
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .replaceAll(/ {2,}/g, ' ')
    .trim();
  return line.length > charsMax ? `${line.slice(0, charsMax - 1)}…` : line;
}

/** Method and path only: credentials are in the rest of an address, and tokens in its query. */
export function nameOf(probe: Probe): string {
  switch (probe.type) {
    case 'http':
      return `${probe.method} ${URL.parse(probe.url)?.pathname ?? 'of an address that is none'}`;
    case 'tcp':
      return `connecting to ${placeOf(probe.host, probe.port)}`;
    case 'command':
      return 'the command';
  }
}

export function placeOf(host: string, port: number | string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : `${host}:${port}`;
}
