/** What the judge found, in the words of a person who wants to know how sure it is. */
import { count, formatDurationMs } from '../units.ts';
import type { GuardedJudgement } from './guarded-judgement.ts';
import type { Rate } from './rate.ts';
import { type Finding, isReached } from './verdict.ts';

/**
 * `candidate 1 of 310 (0.32%), stable 3 of 5,800 (0.052%); may be 0.2x to 9x, tolerated 1.5x`. The guard and what it
 * counts come before it.
 */
export function describeFinding({ candidate, stable, effect, tolerated, guard }: Finding): string {
  const times = tolerated.type === 'ratio';
  const write = times ? formatTimes : formatShare;
  const before = guard.endsWith('the past') ? ' before' : '';
  const beside = stable === null ? '' : `, stable${before} ${describeRate(stable)}`;
  const range = candidate.requests === 0 ? '' : `; ${describeRange(effect, write)}`;
  return `candidate ${describeRate(candidate)}${beside}${range}, tolerated ${write(tolerated.value)}`;
}

function describeRange({ from, to }: Finding['effect'], write: (value: number) => string): string {
  if (to === null) return from > 0 ? `at least ${write(from)}` : 'nothing known of the ratio yet';
  return from > 0 ? `may be ${write(from)} to ${write(to)}` : `may be up to ${write(to)}`;
}

function describeRate({ bad, requests }: Rate): string {
  if (requests === 0) return 'no requests yet';
  return `${whole(bad)} of ${whole(requests)} (${formatShare(bad / requests)})`;
}

/**
 * What a guard needs until it can say that the candidate is not worse: `1,200 requests more (about 2m)`. Empty when it
 * needs nothing. `perSecond`: the candidate's requests now; null: unknown.
 */
export function describeMissing({ same, missingRequests }: Finding, perSecond: number | null): string {
  if (same === null || isReached(same)) return '';
  if (missingRequests === null) return 'no end in sight at these rates';
  const more = `${whole(rounded(missingRequests))} request${missingRequests === 1 ? '' : 's'} more`;
  if (perSecond === null || perSecond <= 0) return more;
  return `${more} (about ${formatDurationMs(roundedMs((missingRequests / perSecond) * 1_000))})`;
}

/** The guards that say it is worse, with their numbers: the proof that goes into the reason. */
export function describeProof({ findings, guards }: GuardedJudgement): string {
  const beside = guards.filter(({ verdict, role }) => verdict === 'worse' && role !== 'watch');
  return findings
    .filter(({ verdict }) => verdict === 'worse')
    .map((finding) => `${describeGuard(finding)}: ${describeFinding(finding)}.`)
    .concat(beside.map(({ guard, proof }) => `${guard}: ${proof}.`))
    .join('\n');
}

export function describeGuard({ guard, counts }: Finding): string {
  return guard.startsWith(counts) || guard.startsWith('error') ? guard : `${guard} (${counts})`;
}

/** How a stage stands, in one line: `holds: 12 of about 300 requests, 25m more at 0.2/s`. */
export function describeStanding(
  { findings, guards, mismatch, verdict }: GuardedJudgement,
  perSecond: number | null,
): string {
  if (verdict === 'worse') return 'the candidate is worse';
  if (isReached(mismatch)) return 'holds: the split that was seen is not the one that was asked for';
  if (verdict === 'better-or-same') return 'the candidate is not worse';
  const waiting = findings.filter(({ same }) => same !== null && !isReached(same));
  const gates = guards.filter((guard) => guard.role === 'gate' && guard.verdict !== 'better-or-same');
  if (waiting.length === 0 && gates.length > 0)
    return `holds for ${gates.map(({ guard }) => guard).join(', ')}: ${gates[0]?.proof ?? ''}`;
  const seen = Math.max(0, ...waiting.map(({ stageRequests }) => stageRequests));
  if (seen === 0 && waiting.every(({ candidate }) => candidate.requests === 0)) {
    const voucher = guards.find(({ role, guard }) => role === 'voucher' && guard === 'shadow');
    return voucher ? `holds: ${voucher.proof}` : 'holds: the candidate has had no request yet';
  }
  if (waiting.some(({ missingRequests }) => missingRequests === null)) {
    const names = waiting.filter((f) => f.missingRequests === null).map(({ guard }) => guard);
    return `holds: ${count(seen, 'request')}; ${names.join(', ')}: no end in sight at these rates`;
  }
  const more = Math.max(0, ...waiting.map(({ missingRequests }) => missingRequests ?? 0));
  const total = whole(rounded(seen + more));
  if (perSecond === null || perSecond <= 0) return `holds: ${whole(seen)} of about ${total} requests`;
  const time = formatDurationMs(roundedMs((more / perSecond) * 1_000));
  return `holds: ${whole(seen)} of about ${total} requests, ${time} more at ${formatPerSecond(perSecond)}`;
}

const formatPerSecond = (value: number) => `${Number(value.toPrecision(2)).toLocaleString('en-US')}/s`;

const whole = (value: number) => Math.round(value).toLocaleString('en-US');

/** Nobody waits for 1,237 requests. */
const rounded = (value: number) => (value < 100 ? Math.ceil(value) : Number(value.toPrecision(2)));

const roundedMs = (ms: number) =>
  ms < 60_000 ? Math.ceil(ms / 1_000) * 1_000 : Math.ceil(ms / 60_000) * 60_000;

export function formatShare(value: number): string {
  return `${Number((value * 100).toPrecision(2))}%`;
}

function formatTimes(value: number): string {
  return `${value < 1_000 ? Number(value.toPrecision(2)) : whole(Number(value.toPrecision(2)))}x`;
}
