/** How the copies that a candidate gets compare with what clients got. */
import { formatDurationMs } from '../../core/units.ts';
import type { ShadowTraffic } from '../../wire/api.ts';
import { number, type Paint } from './style.ts';

export function renderShadow(shadow: ShadowTraffic, paint: Paint): string[] {
  const { version, percent, methods, compared, dropped, otherStatus, otherBody } = shadow;
  const head = `${paint('bold', 'shadow')}  ${version} gets copies of ${percent}% of ${methods.join(', ')}`;
  const left = dropped > 0 ? `, ${number(dropped)} left out` : '';
  if (compared === 0) return [`  ${head}: none compared yet${left}`];
  const alike = compared - otherStatus - otherBody;
  const worse = shadow.copyErrors > shadow.originalErrors;
  const errors = `errors ${number(shadow.copyErrors)} (originals ${number(shadow.originalErrors)})`;
  const differences = [
    worse ? paint('red', errors) : errors,
    `other status ${number(otherStatus)}`,
    ...(shadow.bodies ? [`other body ${number(otherBody)}`] : []),
    `slower ${number(shadow.slower)}`,
    `p99 ${timeOf(shadow.copyP99Ms)} (originals ${timeOf(shadow.originalP99Ms)})`,
  ];
  return [
    `  ${head}: ${number(compared)} compared, ${number(alike)} alike${left}`,
    `          ${differences.join(', ')}`,
  ];
}

const timeOf = (ms: number | null): string => (ms === null ? '-' : formatDurationMs(ms));
