/** From what was found to whether the change may go: nothing failed, nothing lost, nobody waited too long. */
import { count, formatDurationMs } from '../../units.ts';
import type { Rehearsal, ReasonKind, Restored, Verdict, WayBack } from './report.ts';

/** A person may want to lose what is lost, and knows other statements; whatever else there is has to be corrected. */
const FOR_A_PERSON: ReadonlySet<ReasonKind> = new Set<ReasonKind>(['not-rehearsed', 'lost', 'no-way-back']);

type Found = Omit<Rehearsal, 'verdict'>;

export function verdictOf(found: Found): Verdict {
  const reasons = [
    ...changeFailed(found),
    ...statementsFailed(found),
    ...readApart(found),
    ...waited(found),
    ...notRehearsed(found),
    ...noWayBack(found),
    ...lost(found.back, 'on the way back'),
    ...(found.restored ? lost(found.restored, 'by taking the contract back') : []),
  ];
  const toCorrect = reasons.some(({ kind }) => !FOR_A_PERSON.has(kind));
  return { fit: reasons.length === 0, exitCode: toCorrect ? 2 : reasons.length > 0 ? 4 : 0, reasons };
}

type Reasons = Verdict['reasons'];

function changeFailed({ broken }: Found): Reasons {
  if (!broken) return [];
  return [{ kind: 'change-failed', text: `the change failed in ${broken.stage}: ${broken.detail}` }];
}

function statementsFailed({ statements }: Found): Reasons {
  return (['old', 'new'] as const).flatMap((side) => {
    const failed = statements
      .filter((each) => each.side === side && each.unfit === null)
      .reduce((sum, each) => sum + each.failed, 0);
    if (failed === 0) return [];
    return [
      { kind: 'statements-failed', text: `${count(failed, 'statement')} of the ${side} version failed` },
    ];
  });
}

function readApart({ crossed, restored }: Found): Reasons {
  const reason = (apart: Found['crossed']['apart'], when: string): Reasons => {
    const times = apart.reduce((sum, each) => sum + each.times, 0);
    if (times === 0) return [];
    const text = `${count(times, 'value')} of one version read as another by the other one${when}`;
    return [{ kind: 'read-apart', text }];
  };
  return [
    ...reason(crossed.apart, ''),
    ...reason(restored?.crossed.apart ?? [], ', once the contract was taken back'),
  ];
}

/** Clients wait for each other in life, too; what the change adds is what counts. */
function waited({ stages, limitMs }: Found): Reasons {
  return stages.flatMap(({ stage, waits }) => {
    const longestMs = waits.reduce((most, wait) => Math.max(most, wait.byChange ? wait.longestMs : 0), 0);
    if (longestMs <= limitMs) return [];
    const text = `in ${stage} statements waited up to ${formatDurationMs(longestMs)} for the change (limit ${formatDurationMs(limitMs)})`;
    return [{ kind: 'waited', text }];
  });
}

/** No data is never good data (R8). */
function notRehearsed({ statements, broken }: Found): Reasons {
  if (broken) return [];
  return (['old', 'new'] as const).flatMap((side) => {
    const all = statements.filter((each) => each.side === side);
    const isSilent = all.length > 0 && all.every(({ unfit, runs }) => unfit !== null || runs === 0);
    if (!isSilent) return [];
    return [{ kind: 'not-rehearsed', text: `no statement of the ${side} version could be used: name some` }];
  });
}

function noWayBack({ back }: Found): Reasons {
  return back.state === 'none' ? [{ kind: 'no-way-back', text: 'there is no way back' }] : [];
}

function lost({ rows, values }: WayBack | Restored, how: string): Reasons {
  const parts = [...(rows > 0 ? [count(rows, 'row')] : []), ...(values > 0 ? [count(values, 'value')] : [])];
  return parts.length === 0 ? [] : [{ kind: 'lost', text: `${parts.join(' and ')} would be lost ${how}` }];
}
