/** The state of a release while one watches: whole for a terminal, a line per event for a log. */
import { describeError } from '../../core/errors.ts';
import type { Entry } from '../../core/release/journal.ts';
import { formatDurationMs } from '../../core/units.ts';
import { type Progress, type StepProgress, waitsFor, weightOf } from '../progress.ts';
import { describeFact } from './fact.ts';
import { clockTime, fromTo, type Paint } from './style.ts';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'] as const;
const FRAME_MS = 100;

export function renderTitle(progress: Progress, paint: Paint): string {
  const { service, from, to, release, strategy } = progress;
  const weight = weightOf(progress);
  const share = weight === null ? '' : `  ${paint('cyan', `${weight}% to ${to}`)}`;
  return `${paint('bold', `${service} ${fromTo(from, to)}`)}  ${paint('dim', `${release}, ${strategy}`)}${share}`;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Never higher than the terminal: what is above its top could not be drawn again. */
export function renderProgress(progress: Progress, nowMs: number, size: Size, paint: Paint): string[] {
  const { forward, back, cause, news, ended } = progress;
  const { columns } = size;
  const goingBack = cause ? ['', paint('yellow', clip(`going back: ${describeError(cause)}`, columns))] : [];
  const person = ended ? null : waitsFor(progress);
  const waiting = person === null ? [] : ['', paint('yellow', clip(`  ${person}`, columns))];
  const judged = judgeLine(progress, columns, paint);
  const newest = news && !ended ? ['', paint('dim', clip(`  ${news}`, columns))] : [];
  const said = [...judged, ...waiting, ...newest];
  const room = Math.max(ROWS_MIN, size.rows - 4 - goingBack.length - said.length);
  const backRoom = back ? Math.min(back.length + 1, Math.max(ROWS_MIN, Math.floor(room / 2))) : 0;
  return [
    renderTitle(progress, paint),
    '',
    ...renderRows(forward, room - backRoom, nowMs, columns, paint),
    ...goingBack,
    ...(back ? ['', ...renderRows(back, backRoom - 1, nowMs, columns, paint)] : []),
    ...said,
  ];
}

/** While it goes up: on the way back nobody waits for evidence. */
function judgeLine({ standing, back, ended }: Progress, columns: number, paint: Paint): string[] {
  return standing === null || back || ended ? [] : ['', paint('dim', clip(`  judge: ${standing}`, columns))];
}

export function renderAlone([only]: readonly Progress[], nowMs: number, size: Size, paint: Paint): string[] {
  return only ? renderProgress(only, nowMs, size, paint) : [];
}

/** Several services of one release: where each is, in four lines at most. */
export function renderTogether(
  all: readonly Progress[],
  nowMs: number,
  { columns, rows }: Size,
  paint: Paint,
): string[] {
  const lines = all.flatMap((progress) => {
    const { back, cause, ended } = progress;
    const steps = back ?? progress.forward;
    const at = steps.findLastIndex((step) => step.state !== 'waiting');
    const step = steps[at];
    const place = `${back ? 'back ' : ''}${at + 1} of ${steps.length}`;
    const person = ended ? null : waitsFor(progress);
    const why = cause ? [paint('yellow', clip(`    ${describeError(cause)}`, columns))] : [];
    return [
      renderTitle(progress, paint),
      ...(step
        ? [`  ${markOf(step, nowMs, paint)} ${paint('dim', place)}  ${clip(step.text, columns - 20)}`]
        : []),
      ...judgeLine(progress, columns, paint).slice(1),
      ...(person === null ? why : [paint('yellow', clip(`    ${person}`, columns))]),
    ];
  });
  return lines.slice(0, Math.max(ROWS_MIN, rows - 1));
}

const ROWS_MIN = 6;

function renderRows(
  steps: readonly StepProgress[],
  room: number,
  nowMs: number,
  columns: number,
  paint: Paint,
): string[] {
  const { from, to } = windowOf(steps, room);
  const width = String(steps.length).length;
  const times = steps.map((step) => timeOf(step, nowMs));
  const timeWidth = Math.max(0, ...times.map((time) => time.length));
  const rows = steps.slice(from, to).map((step, i) => {
    const number = String(from + i + 1).padStart(width);
    const time = (times[from + i] ?? '').padStart(timeWidth);
    const note = step.note ? `  ${step.note}` : '';
    const text = clip(`${step.text}${note}`, columns - width - timeWidth - 8);
    if (step.state === 'waiting') return `    ${paint('dim', `${number}  ${time}  ${text}`)}`;
    return `  ${markOf(step, nowMs, paint)} ${paint('dim', `${number}  ${time}`)}  ${text}`;
  });
  const more = (n: number, what: string) => (n > 0 ? [paint('dim', `    ... ${n} ${what}`)] : []);
  return [...more(from, 'before'), ...rows, ...more(steps.length - to, 'to come')];
}

/** The steps shown where not all fit: the one under way, a few before it, and what comes next. */
function windowOf(steps: readonly StepProgress[], room: number): { from: number; to: number } {
  if (steps.length <= room) return { from: 0, to: steps.length };
  const length = Math.max(1, room - 2);
  const current = steps.findIndex((step) => step.state === 'under-way' || step.state === 'waiting');
  const at = current === -1 ? steps.length - 1 : current;
  const from = Math.max(0, Math.min(at - Math.floor(length / 3), steps.length - length));
  return { from, to: from + length };
}

function timeOf(step: StepProgress, nowMs: number): string {
  if (step.startedAtMs === null) return '';
  return formatDurationMs((step.endedAtMs ?? nowMs) - step.startedAtMs);
}

function markOf(step: StepProgress, nowMs: number, paint: Paint): string {
  switch (step.state) {
    case 'waiting':
      return ' ';
    case 'under-way':
      return paint('cyan', FRAMES[Math.floor(nowMs / FRAME_MS) % FRAMES.length] ?? '*');
    case 'done':
      return paint('green', '✓');
    case 'failed':
      return paint('red', '✗');
  }
}

/** A wrapped line would break the redrawing, so a long one is cut. */
function clip(text: string, columns: number): string {
  const line = text.replaceAll('\n', ' ');
  const width = Math.max(20, columns);
  return line.length > width ? `${line.slice(0, width - 1)}…` : line;
}

/** For CI logs: time, where the release is, what happened. Null where there is nothing new to say. */
export function progressLine(before: Progress, entry: Entry, paint: Paint): string | null {
  const { fact } = entry;
  const time = paint('dim', clockTime(entry.atMs));
  switch (fact.kind) {
    case 'release-planned':
    case 'release-ended':
    case 'routing-applied':
    case 'instance-starting':
    case 'instance-stopping':
      return null;
    case 'step-started':
    case 'step-done':
    case 'step-failed': {
      const steps = fact.direction === 'forward' ? before.forward : (before.back ?? []);
      const step = steps[fact.index];
      const place = `${fact.direction === 'back' ? 'back ' : ''}${fact.index + 1}/${steps.length}`;
      return `${time} [${place}] ${step?.text ?? ''}${endOf(entry, step)}`;
    }
    default:
      return `${time}   ${describeFact(fact)}`;
  }
}

function endOf({ fact, atMs }: Entry, step: StepProgress | undefined): string {
  if (fact.kind === 'step-failed') return ` failed: ${describeError(fact.error)}`;
  if (fact.kind !== 'step-done') return ' ...';
  const startedAtMs = step?.startedAtMs ?? null;
  const took = startedAtMs === null ? '' : ` in ${formatDurationMs(atMs - startedAtMs)}`;
  return ` done${took}${fact.note ? ` (${fact.note})` : ''}`;
}
