/** A run on a database as it goes: drawn where people watch, a line per step elsewhere, JSON where asked for. */
import type { Blocker, Progress, StepEvent, Watch } from '../../core/database/runner.ts';
import { formatDurationMs } from '../../core/units.ts';
import { limits } from '../../core/limits.ts';
import type { Input } from '../input.ts';
import type { Drawing, Shell } from '../shell.ts';

const BAR_CHARS = 30;

export interface Watching {
  readonly watch: Watch;
  close(): void;
}

export async function watchDatabase(input: Input, shell: Shell): Promise<Watching> {
  const { screen, time, interrupted } = shell;
  if (input.json)
    return {
      watch: {
        signal: interrupted,
        onStep: (event) => screen.jsonLine({ step: event }),
        onProgress: (progress) => screen.jsonLine({ progress }),
        onWait: (blockers) => screen.jsonLine({ blockers }),
        onBusy: (busy) => screen.jsonLine({ busy }),
      },
      close: () => undefined,
    };
  const drawing = screen.live ? await screen.open() : null;
  const lines = new Lines(shell, drawing);
  let toldAtMs = Number.NEGATIVE_INFINITY;
  return {
    watch: {
      signal: interrupted,
      onStep: (event) => lines.step(event),
      onProgress(progress) {
        const nowMs = time.monotonicMs();
        const every = drawing ? limits.cli.redrawIntervalMs : limits.cli.watchIntervalMs * 5;
        if (progress.state !== 'done' && nowMs - toldAtMs < every) return;
        toldAtMs = nowMs;
        lines.progress(progress);
      },
      onWait: (blockers) => lines.wait(blockers),
      onBusy: (holder) => lines.busy(holder),
    },
    close: () => drawing?.close(),
  };
}

class Lines {
  readonly #shell: Shell;
  readonly #drawing: Drawing | null;
  readonly #done: string[] = [];
  #waiting = '';

  constructor(shell: Shell, drawing: Drawing | null) {
    this.#shell = shell;
    this.#drawing = drawing;
  }

  step({ state, title, tookMs }: StepEvent): void {
    const { paint } = this.#shell.screen;
    if (state === 'begun') this.#last(`${paint('cyan', '.')} ${title}`);
    else if (state === 'already') this.#add(`${paint('dim', '=')} ${title} ${paint('dim', '(was done)')}`);
    else this.#add(`${paint('green', '+')} ${title} ${paint('dim', formatDurationMs(tookMs))}`);
  }

  progress(progress: Progress): void {
    const line = progressLine(progress);
    if (progress.state === 'done') this.#add(`${this.#shell.screen.paint('green', '+')} ${line}`);
    else if (this.#drawing) this.#last(line);
    else this.#shell.screen.print([line]);
  }

  wait(blockers: readonly Blocker[]): void {
    const text = `waits for ${blockers.map(({ pid, user, application, ageMs }) => `pid ${pid} (${[user, application].filter(Boolean).join(', ')}), open for ${formatDurationMs(ageMs)}`).join('; ')}`;
    const whom = blockers.map(({ pid }) => pid).join();
    if (this.#drawing) this.#last(text);
    // The same ones are named once.
    else if (whom !== this.#waiting) this.#shell.screen.note([text]);
    this.#waiting = whom;
  }

  busy(holder: string): void {
    const text = `waits for the end of another run: ${holder}`;
    if (this.#drawing) this.#last(text);
    else this.#shell.screen.note([text]);
  }

  #add(line: string): void {
    if (!this.#drawing) {
      this.#shell.screen.print([line]);
      return;
    }
    this.#done.push(line);
    this.#drawing.draw(this.#done);
  }

  #last(line: string): void {
    this.#drawing?.draw([...this.#done, line]);
  }
}

/** `instead` of what is left of it. */
export function progressLine(
  { table, rows, total, rowsPerSecond, leftMs, state }: Progress,
  instead: string | null = null,
): string {
  const share = total > 0 ? Math.min(1, rows / total) : state === 'done' ? 1 : 0;
  const full = Math.round(share * BAR_CHARS);
  const bar = `[${'#'.repeat(full)}${'.'.repeat(BAR_CHARS - full)}]`;
  const left =
    state === 'done' ? 'done' : leftMs === null ? state : `${state}, ${formatDurationMs(leftMs)} left`;
  const gone = `${bar} ${Math.floor(share * 100)}% ${table} ${Math.round(rows)} rows`;
  return instead === null ? `${gone}, ${Math.round(rowsPerSecond)}/s, ${left}` : `${gone}, ${instead}`;
}
