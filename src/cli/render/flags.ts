/** Flags, their changes and evaluations for people. */
import type { FlagDefinition } from '../../core/flags/definition.ts';
import { describeOverride } from '../../core/flags/override.ts';
import type { StaleCause } from '../../core/flags/stale.ts';
import { formatDurationMs } from '../../core/units.ts';
import type {
  FlagChangeResponse,
  FlagChangesResponse,
  FlagEvaluationResponse,
  FlagsResponse,
  FlagStatus,
} from '../../wire/flag-api.ts';
import type { CodePlace } from '../flags/code-places.ts';
import { dateTime, type Paint } from './style.ts';
import { type Cell, renderTable } from './table.ts';

export function renderFlags(
  { flags, trouble, pending, ofrep, streams }: FlagsResponse,
  nowMs: number,
  paint: Paint,
): string[] {
  const rows = flags.map((flag): Cell[] => [
    { text: flag.flag, style: 'bold' },
    { text: describeDefinition(flag) },
    { text: flag.usage ? `${formatDurationMs(nowMs - flag.usage.lastAtMs)} ago` : 'never', style: 'dim' },
    flag.stale.length > 0 ? { text: 'stale', style: 'yellow' } : { text: '' },
  ]);
  return [
    ...renderTrouble(trouble, paint),
    ...(rows.length > 0 ? renderTable(['flag', 'gives', 'asked', ''], rows, paint) : ['there are no flags']),
    ...pending.map(
      (one) =>
        `${paint('yellow', 'waits')} ${one.number}: ${one.flag} ${one.verb} by ${one.by}, for "segue flags approve ${one.number}"`,
    ),
    ...(ofrep === null ? [] : [paint('dim', `OFREP on ${ofrep}, ${streams} streams`)]),
  ];
}

export function renderTrouble(trouble: readonly string[], paint: Paint): string[] {
  if (trouble.length === 0) return [];
  return [
    `${paint('red', 'flags')}: the files are not right, the last good ones stay in force`,
    ...trouble.map((line) => `  ${line}`),
  ];
}

function describeDefinition({ definition, override }: FlagStatus): string {
  if (override !== null && override.type !== 'definition') return describeOverride(override);
  if (definition.state === 'DISABLED') return 'disabled';
  const otherwise = definition.defaultVariant ?? 'the default in the code';
  return definition.targeting === null ? otherwise : `by its rules, else ${otherwise}`;
}

export function renderFlag(flag: FlagStatus, nowMs: number, paint: Paint): string[] {
  const { definition, notes, usage, override } = flag;
  const line = (name: string, text: string | null) =>
    text === null ? [] : [`  ${paint('dim', name.padEnd(9))} ${text}`];
  return [
    `${paint('bold', flag.flag)}  ${describeDefinition(flag)}`,
    ...line('about', notes.description),
    ...line('owner', notes.owner),
    ...line('kind', notes.kind),
    ...line('end', notes.end),
    ...line('needs', notes.prerequisites.map((one) => `${one.flag}=${one.variant}`).join(', ') || null),
    ...line('shipped', notes.release && `${notes.release.service} ${notes.release.version}`),
    ...line('schema', notes.needs),
    ...line('raised', `${flag.raised}%${flag.limit === null ? '' : `, of 100%: ${flag.limit}`}`),
    ...line('file', flag.file === null ? null : `${flag.file}:${flag.line ?? 1}`),
    ...line('now', describeOverride(override)),
    ...line('variants', variantsOf(definition, usage?.variants ?? {}, usage?.evaluations ?? 0)),
    ...line(
      'asked',
      usage &&
        `${usage.evaluations} times, last ${formatDurationMs(nowMs - usage.lastAtMs)} ago by ${usage.by}`,
    ),
    ...flag.stale.map((cause) => `  ${paint('yellow', 'stale')}     ${describeStale(cause)}`),
    ...(definition.targeting === null
      ? []
      : [
          '',
          ...JSON.stringify(definition.targeting, null, 2)
            .split('\n')
            .map((text) => `  ${text}`),
        ]),
  ];
}

function variantsOf(
  { variants }: FlagDefinition,
  given: Readonly<Record<string, number>>,
  all: number,
): string {
  return Object.entries(variants)
    .map(([name, value]) => {
      const share = all > 0 ? ` (${Math.round(((given[name] ?? 0) / all) * 100)}%)` : '';
      return `${name}=${JSON.stringify(value)}${share}`;
    })
    .join(', ');
}

export function describeStale(cause: StaleCause): string {
  switch (cause.type) {
    case 'past-end':
      return `its end was ${cause.end}`;
    case 'unasked':
      return `nobody asked for it for ${formatDurationMs(cause.forMs)}`;
    case 'settled':
      return `everybody got ${cause.variant === '' ? 'the default in the code' : `"${cause.variant}"`} for ${formatDurationMs(cause.forMs)}`;
  }
}

/** What is left to do for each, as a list to tick off. */
export function renderStale(
  flags: readonly FlagStatus[],
  places: Readonly<Record<string, readonly CodePlace[]>>,
  paint: Paint,
): string[] {
  if (flags.length === 0) return [`${paint('green', 'ok')}: no flag is stale`];
  return flags.flatMap((flag) => {
    const settled = flag.stale.find((cause) => cause.type === 'settled');
    const keep = settled
      ? ` and keep what ${settled.variant === '' ? 'its default' : `"${settled.variant}"`} does`
      : '';
    const code = (places[flag.flag] ?? []).filter(({ file }) => file !== flag.file);
    return [
      `${paint('bold', flag.flag)}  ${flag.stale.map(describeStale).join('; ')}${flag.notes.owner === null ? '' : `  (${flag.notes.owner})`}`,
      ...code.map(({ file, line }) => `  [ ] ${file}:${line}: take the flag out${keep}`),
      ...(code.length === 0 ? ['  [x] no code of this project mentions it'] : ['  [ ] release it']),
      flag.file === null
        ? '  [ ] it was made at run time: nothing asks for it once the code is gone'
        : `  [ ] ${flag.file}:${flag.line ?? 1}: delete it`,
    ];
  });
}

export function renderFlagChanged(answer: FlagChangeResponse, paint: Paint): string[] {
  if (answer.type === 'waiting') {
    const { number, flag, approvers } = answer.pending;
    const who = approvers.length > 0 ? approvers.join(' or ') : 'somebody else';
    return [
      `${paint('yellow', 'waits')}: ${flag} is as it was until ${who} runs "segue flags approve ${number}"`,
    ];
  }
  const { number, change } = answer;
  return [
    `${paint('green', 'changed')}: ${change.flag} is ${describeOverride(change.after.override)}, was ${describeOverride(change.before.override)}`,
    paint('dim', `  "segue flags undo ${number}" takes it back`),
  ];
}

export function renderFlagChanges({ changes }: FlagChangesResponse, paint: Paint): string[] {
  if (changes.length === 0) return ['nothing was changed at run time'];
  const rows = changes.map(({ number, atMs, change }): Cell[] => [
    { text: String(number), right: true },
    { text: dateTime(atMs), style: 'dim' },
    { text: change.flag, style: 'bold' },
    { text: `${change.verb} ${change.undoes ?? change.release ?? ''}`.trimEnd() },
    { text: `${describeOverride(change.before.override)} -> ${describeOverride(change.after.override)}` },
    { text: `${change.by}${change.approvedBy === null ? '' : `, approved by ${change.approvedBy}`}` },
    { text: change.reason, style: 'dim' },
  ]);
  return renderTable(['number', 'when', 'flag', 'what', 'before -> after', 'who', 'why'], rows, paint);
}

export function renderEvaluation({ evaluation, trace }: FlagEvaluationResponse, paint: Paint): string[] {
  const { flag, variant, value, reason, error } = evaluation;
  const gives =
    value === undefined ? 'the default in the code' : `${variant ?? ''} = ${JSON.stringify(value)}`;
  return [
    `${paint('bold', flag)}  ${gives}  ${paint('dim', reason)}`,
    ...(error ? [`  ${paint('red', error.code)}: ${error.detail}`] : []),
    ...trace.map((one) => `  ${one.place}  ${paint('dim', '=')} ${shortly(one.value)}`),
    ...(trace.length === 0 && !error ? [paint('dim', '  no rule was asked: everybody gets this')] : []),
  ];
}

function shortly(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
