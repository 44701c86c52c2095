/** The last words of `segue deploy` and its like. */
import { describeError, ERRORS } from '../../core/errors.ts';
import { isOfWorkers } from '../../core/release/plan.ts';
import { causeOf, type ReleaseRecord } from '../../core/release/records.ts';
import { formatDurationMs } from '../../core/units.ts';
import type { ReleaseResponse } from '../../wire/api.ts';
import { leftVersion, renderReceipt } from './receipt.ts';
import { describeWaiting } from './release.ts';
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
  const { now, before } = describeEnds(release);
  switch (summary.state) {
    case 'done':
      return [`${paint('green', 'done')}: ${now}, after ${took}`, ...receipt];
    case 'stopped':
      return [
        `${paint('green', 'stopped')} as planned, after ${took}: ${before}; ${release.to} had its part of the requests`,
        ...receipt,
      ];
    case 'rolled-back':
      return [`${paint('yellow', 'rolled back')} after ${took}: ${before}`, ...why, ...receipt];
    case 'stuck':
      return [
        `${paint('red', 'stuck')} after ${took}:`,
        ...why,
        ...receipt,
        `${paint('cyan', 'next')}: ${ERRORS.RELEASE_STUCK.next}`,
      ];
    case 'running':
    case 'going-back':
      return renderSaid({ summary }, paint);
  }
}

/** What is so after it was done, and what where it was not. */
function describeEnds({ plan, from, to, service, state }: ReleaseRecord) {
  const { rollout } = plan;
  if (rollout) {
    const isTaken = state.phase === 'ended' && state.cause?.code === 'FLAG_TAKEN';
    const before = isTaken ? 'what somebody else has set' : 'as it was before';
    return { now: `${rollout.flag} gives "${to}"`, before: `${rollout.flag} is ${before}` };
  }
  const verb = isOfWorkers(plan) ? 'runs' : 'serves';
  const before = from === null ? `nothing ${verb}, as before` : `${from} ${verb} as before`;
  return { now: `${to} ${verb} ${service}`, before };
}

/** Where a release is that goes on without this terminal. */
export function renderSaid({ summary }: Pick<ReleaseResponse, 'summary'>, paint: Paint): string[] {
  const { id, service, state, step, stepNumber, stepCount, waiting } = summary;
  const follow = `follow: segue show ${id} --follow`;
  const undo = state === 'running' ? `, take back: segue abort ${service}` : '';
  const place = step ? `, step ${stepNumber} of ${stepCount}: ${step}` : '';
  const head = waiting ? paint('yellow', describeWaiting(waiting)) : paint('cyan', state.replace('-', ' '));
  const goOn = waiting ? `go on: ${waiting.next}, ` : '';
  return [`${id} of ${service} ${head}${place}`, `${paint('cyan', 'next')}: ${goOn}${follow}${undo}`];
}
