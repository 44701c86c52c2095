/** The last words of `segue deploy` and its like. */
import { describeError, ERRORS } from '../../core/errors.ts';
import { causeOf } from '../../core/release/records.ts';
import { formatDurationMs } from '../../core/units.ts';
import type { ReleaseResponse } from '../../wire/api.ts';
import { leftVersion, renderReceipt } from './receipt.ts';
import type { Paint } from './style.ts';

export function renderEnding({ release, summary }: ReleaseResponse, paint: Paint): string[] {
  const took = formatDurationMs((release.endedAtMs ?? release.startedAtMs) - release.startedAtMs);
  const cause = causeOf(release);
  const receipt = release.receipt ? ['', ...renderReceipt(release.receipt, leftVersion(release), paint)] : [];
  const why = cause
    ? describeError(cause)
        .split('\n')
        .map((line) => `  ${line}`)
    : [];
  const serves = release.from === null ? 'nothing serves, as before' : `${release.from} serves as before`;
  switch (summary.state) {
    case 'done':
      return [
        `${paint('green', 'done')}: ${release.to} serves ${release.service}, after ${took}`,
        ...receipt,
      ];
    case 'rolled-back':
      return [`${paint('yellow', 'rolled back')} after ${took}: ${serves}`, ...why, ...receipt];
    case 'stuck':
      return [
        `${paint('red', 'stuck')} after ${took}:`,
        ...why,
        ...receipt,
        `${paint('cyan', 'next')}: ${ERRORS.RELEASE_STUCK.next}`,
      ];
    case 'running':
    case 'going-back':
      return [`${paint('cyan', summary.state.replace('-', ' '))}: the release goes on`];
  }
}
