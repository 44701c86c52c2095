/** One fact of the journal in words. */
import { describeError } from '../../core/errors.ts';
import { describeOverride } from '../../core/flags/override.ts';
import { describeProof } from '../../core/judge/words.ts';
import { describeWord } from '../../core/release/gate.ts';
import type { Entry, Fact } from '../../core/release/journal.ts';
import { describeStep } from '../../core/release/step.ts';
import { count, formatBytes, formatDurationMs } from '../../core/units.ts';
import { describeSchemaFact, type SchemaFact } from './schema-fact.ts';
import { clockTime, fromTo, type Paint, type Style } from './style.ts';

export function renderTimeline(entries: readonly Entry[], paint: Paint): string[] {
  const startMs = entries[0]?.atMs ?? 0;
  return entries.flatMap((entry) => {
    const sinceMs = entry.atMs - startMs;
    const since = sinceMs > 0 ? `+${formatDurationMs(sinceMs)}` : '';
    const style = styleOf(entry.fact);
    const text = describeFact(entry.fact);
    const head = `  ${paint('dim', `${clockTime(entry.atMs)} ${since.padStart(8)}`)}`;
    return [`${head}  ${style ? paint(style, text) : text}`, ...lastLines(entry.fact, paint)];
  });
}

function lastLines(fact: Fact, paint: Paint): string[] {
  if (fact.kind !== 'instance-crashed') return [];
  return fact.lastLines.map((line) => `  ${' '.repeat(17)}  ${paint('dim', `| ${line}`)}`);
}

function styleOf(fact: Fact): Style | null {
  switch (fact.kind) {
    case 'step-failed':
    case 'instance-crashed':
    case 'gateway-lost':
    case 'contract-failed':
      return 'red';
    case 'verdict':
      return fact.verdict === 'worse' ? 'red' : fact.verdict === 'better-or-same' ? 'green' : null;
    case 'instance-unready':
    case 'instance-unhealthy':
    case 'back-planned':
    case 'abort-asked':
    case 'paused':
    case 'unsure':
    case 'turned':
    case 'schema-waits':
    case 'schema-blocked':
    case 'contract-held':
      return 'yellow';
    case 'release-ended':
      return fact.outcome === 'done' || fact.outcome === 'stopped' ? 'green' : 'red';
    default:
      return null;
  }
}

export function describeFact(fact: Fact): string {
  switch (fact.kind) {
    case 'release-planned':
      return `${fact.plan.release} planned by ${fact.by}: ${fromTo(fact.plan.from, fact.plan.to)}, ${count(fact.plan.steps.length, 'step')}`;
    case 'release-resumed':
      return 'taken up again by a new control';
    case 'step-started':
      return `${stepName(fact)} ${describeStep(fact.step)}`;
    case 'step-done':
      return `${stepName(fact)} done${fact.note ? `: ${fact.note}` : ''}`;
    case 'step-failed':
      return `${stepName(fact)} failed: ${describeError(fact.error)}`;
    case 'abort-asked':
      return `abort asked by ${describeWord(fact)}`;
    case 'paused':
      return `paused by ${describeWord(fact)}`;
    case 'resumed':
      return `resumed by ${describeWord(fact)}`;
    case 'approved':
      return `step ${fact.index + 1} approved by ${describeWord(fact)}`;
    case 'gates-waived':
      return `${fact.indexes.length === 1 ? 'step' : 'steps'} ${fact.indexes.map((i) => i + 1).join(', ')} passed by ${describeWord(fact)}`;
    case 'unsure':
      return `step ${fact.index + 1} is not clear after ${formatDurationMs(fact.patienceMs)}: it goes on with evidence, or when a person says so`;
    case 'turned':
      return `turned round: ${describeError(fact.cause)}`;
    case 'back-planned':
      return `going back, in ${count(fact.steps.length, 'step')}`;
    case 'release-ended':
      return `ended: ${OUTCOMES[fact.outcome]}${fact.cause ? `. ${describeError(fact.cause)}` : ''}`;
    case 'verdict':
      return describeVerdict(fact);
    case 'schema-waits':
    case 'schema-blocked':
    case 'backfill-progress':
    case 'contract-free':
    case 'contract-held':
    case 'contract-asked':
    case 'contract-begun':
    case 'contract-done':
    case 'contract-failed':
      return describeSchemaFact(fact);
    case 'version-kept':
      return `kept ${fact.version}: ${count(fact.files, 'file')}, ${formatBytes(fact.bytes)}`;
    case 'version-removed':
      return `removed the files of ${fact.version}`;
    default:
      return describeRunning(fact);
  }
}

const VERDICTS = {
  'better-or-same': 'not worse',
  worse: 'worse',
  'not-enough-evidence': 'not enough evidence yet',
} as const;

function describeVerdict({ verdict, judgement }: Extract<Fact, { kind: 'verdict' }>): string {
  const proof = verdict === 'worse' ? `. ${describeProof(judgement)}` : '';
  return `judge: ${VERDICTS[verdict]}${proof}`;
}

export const OUTCOMES = {
  done: 'done',
  stopped: 'stopped',
  'rolled-back': 'rolled back',
  stuck: 'stuck',
} as const;

type ReleaseFactKind =
  | 'release-planned'
  | 'release-resumed'
  | 'step-started'
  | 'step-done'
  | 'step-failed'
  | 'abort-asked'
  | 'paused'
  | 'resumed'
  | 'approved'
  | 'gates-waived'
  | 'unsure'
  | 'turned'
  | 'back-planned'
  | 'release-ended'
  | 'verdict'
  | SchemaFact['kind']
  | 'version-kept'
  | 'version-removed';

function describeRunning(fact: Exclude<Fact, { kind: ReleaseFactKind }>): string {
  switch (fact.kind) {
    case 'control-started':
      return `control started (Segue ${fact.version}, pid ${fact.pid})`;
    case 'control-stopped':
      return 'control stopped';
    case 'file-applied':
      return `segue.yaml applied: ${fact.services.join(', ')}`;
    case 'flag-changed':
      return describeFlagChange(fact);
    case 'flag-asked':
      return `flag ${fact.flag}: ${fact.verb} asked by ${describeWord(fact)}, waits for approval`;
    case 'flags-applied':
      return `flags applied: ${count(fact.added.length, 'new flag')}, ${fact.changed.length} changed, ${fact.removed.length} gone`;
    case 'flags-refused':
      return `flags refused, the last good ones stay: ${fact.problems.join('; ')}`;
    case 'gateway-started':
      return `gateway started (pid ${fact.pid})`;
    case 'gateway-adopted':
      return `gateway found running (pid ${fact.pid})`;
    case 'gateway-lost':
      return `gateway lost: ${fact.detail}`;
    case 'routing-applied':
      return `routing ${fact.number} in force: ${fact.instances.join(', ') || 'no instance'}`;
    case 'instance-starting':
      return `${fact.instance} starting on port ${fact.port}`;
    case 'instance-started':
      return `${fact.instance} started${fact.detail ? ` (${fact.detail})` : ''}`;
    case 'instance-adopted':
      return `${fact.instance} found running`;
    case 'instance-ready':
      return `${fact.instance} ready after ${formatDurationMs(fact.afterMs)}`;
    case 'instance-unready':
      return `${fact.instance} not ready: ${fact.why}`;
    case 'instance-unhealthy':
      return `${fact.instance} not alive: ${fact.why}`;
    case 'instance-crashed':
      return `${fact.instance} ended by itself (${fact.exit})${restart(fact.restartAfterMs)}`;
    case 'instance-stopping':
      return `${fact.instance} stopping`;
    case 'instance-stopped':
      return `${fact.instance} stopped: ${fact.how}`;
  }
}

function describeFlagChange(fact: Extract<Fact, { kind: 'flag-changed' }>): string {
  const insisted = fact.overruled === undefined ? '' : `, although ${fact.overruled}`;
  return `flag ${fact.flag} ${fact.verb} by ${describeWord(fact)}: ${describeOverride(fact.after.override)}${insisted}`;
}

function restart(afterMs: number | null): string {
  return afterMs === null ? '' : `, started again in ${formatDurationMs(afterMs)}`;
}

function stepName({ index, direction }: { index: number; direction: 'forward' | 'back' }): string {
  return direction === 'forward' ? `step ${index + 1}` : `back ${index + 1}`;
}
