/** Counts everything once: `sent` is `answered` plus `failed` plus what is still under way. */
import { RequestFailure } from './failure.ts';
import { Latencies } from './latencies.ts';
import { LOAD_LIMITS } from './options.ts';
import type { ResponseHead } from './response-reader.ts';
import type {
  Account,
  Failure,
  FailureReason,
  Snapshot,
  StreamCounts,
  Summary,
  VersionCounts,
  WindowSummary,
} from './summary.ts';

export interface Attempt {
  readonly method: string;
  readonly path: string;
  readonly timed: boolean;
  /** From `performance.now()`: when it was due, or sent when nothing was due. */
  readonly fromMs: number;
}

export interface Answer {
  readonly head: ResponseHead;
  readonly body: Buffer;
  readonly reused: boolean;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

class Window {
  readonly name: string;
  readonly startedAtMs = performance.timeOrigin + performance.now();
  readonly latencies = new Latencies();
  answered = 0;
  failed = 0;
  endedAtMs: number | null = null;

  constructor(name: string) {
    this.name = name;
  }

  summary(nowMs: number): WindowSummary {
    const { name, startedAtMs, answered, failed } = this;
    const durationMs = (this.endedAtMs ?? nowMs) - startedAtMs;
    return { name, startedAtMs, durationMs, answered, failed, latency: this.latencies.summary() };
  }
}

export class Tally {
  readonly websocket: Mutable<StreamCounts> = newStreams();
  readonly sse: Mutable<StreamCounts> = newStreams();
  readonly accounts = new Map<string, Account>();
  idleCloses = 0;
  refusedStreams = 0;
  readonly #versionHeader: string;
  readonly #startedAtMs = wallMs();
  readonly #windows: Window[] = [];
  readonly #failures: Failure[] = [];
  readonly #reasons = new Map<FailureReason, number>();
  readonly #versions = new Map<string, Mutable<VersionCounts>>();
  #window = new Window('start');
  #sent = 0;
  #answered = 0;
  #failed = 0;

  constructor(versionHeader: string) {
    this.#versionHeader = versionHeader;
    this.#windows.push(this.#window);
  }

  mark(name: string): void {
    this.#window.endedAtMs = wallMs();
    this.#window = new Window(name);
    this.#windows.push(this.#window);
  }

  /** Null: it failed, and that is counted. */
  async request(
    attempt: Attempt,
    send: () => Promise<Answer>,
    check: (answer: Answer) => void,
  ): Promise<Answer | null> {
    this.#sent += 1;
    const sentAtMs = wallMs();
    let answer: Answer | null = null;
    try {
      answer = await send();
      this.#countVersion(answer.head, sentAtMs);
      if (answer.head.status >= 500) throw new RequestFailure('status', answer.body.toString('utf8', 0, 200));
      check(answer);
      this.#answered += 1;
      this.#window.answered += 1;
      if (attempt.timed) this.#window.latencies.add(performance.now() - attempt.fromMs);
      return answer;
    } catch (error) {
      this.#failed += 1;
      this.#window.failed += 1;
      this.#keepFailure(error, attempt, sentAtMs, answer);
      return null;
    }
  }

  /** A stream that could not be opened or that broke. */
  streamBroke(counts: Mutable<StreamCounts>, path: string, openedAtMs: number, error: unknown): void {
    counts.broken += 1;
    const attempt = { method: 'GET', path, timed: false, fromMs: performance.now() };
    this.#keepFailure(error, attempt, openedAtMs, null);
  }

  snapshot(): Snapshot {
    const nowMs = wallMs();
    return {
      startedAtMs: this.#startedAtMs,
      elapsedMs: nowMs - this.#startedAtMs,
      sent: this.#sent,
      answered: this.#answered,
      failed: this.#failed,
      inFlight: this.#sent - this.#answered - this.#failed,
      reasons: Object.fromEntries(this.#reasons),
      versions: Object.fromEntries([...this.#versions].map(([name, counts]) => [name, { ...counts }])),
      streams: { websocket: { ...this.websocket }, sse: { ...this.sse } },
      idleCloses: this.idleCloses,
      refusedStreams: this.refusedStreams,
      window: this.#window.name,
    };
  }

  summary(): Summary {
    const snapshot = this.snapshot();
    const nowMs = wallMs();
    const broken = snapshot.streams.websocket.broken + snapshot.streams.sse.broken;
    return {
      ...snapshot,
      clean: snapshot.failed === 0 && broken === 0,
      failures: [...this.#failures],
      windows: this.#windows.map((window) => window.summary(nowMs)),
      accounts: Object.fromEntries(this.accounts),
    };
  }

  #countVersion(head: ResponseHead, sentAtMs: number): void {
    const name = head.headers.get(this.#versionHeader);
    if (name === undefined) return;
    const nowMs = wallMs();
    const counts = this.#versions.get(name);
    if (counts) {
      counts.requests += 1;
      counts.lastSeenAtMs = nowMs;
      counts.lastSentAtMs = Math.max(counts.lastSentAtMs, sentAtMs);
    } else {
      const seen = { firstSeenAtMs: nowMs, lastSeenAtMs: nowMs, lastSentAtMs: sentAtMs };
      this.#versions.set(name, { requests: 1, ...seen });
    }
  }

  #keepFailure(error: unknown, attempt: Attempt, startedAtMs: number, answer: Answer | null): void {
    // A defect of the load itself must not pass for a failure of what it measures.
    if (!(error instanceof RequestFailure)) throw error;
    this.#reasons.set(error.reason, (this.#reasons.get(error.reason) ?? 0) + 1);
    if (this.#failures.length >= LOAD_LIMITS.failuresKept) return;
    const nowMs = wallMs();
    const head = answer?.head ?? error.head;
    this.#failures.push({
      reason: error.reason,
      code: error.code,
      method: attempt.method,
      path: attempt.path,
      atMs: nowMs,
      afterMs: nowMs - startedAtMs,
      reused: answer?.reused ?? error.reused,
      status: head?.status ?? null,
      version: head?.headers.get(this.#versionHeader) ?? null,
      window: this.#window.name,
      localPort: error.localPort,
      detail: error.message,
    });
  }
}

function newStreams(): Mutable<StreamCounts> {
  return { open: 0, opened: 0, told: 0, reconnected: 0, broken: 0, messages: 0 };
}

export function wallMs(): number {
  return performance.timeOrigin + performance.now();
}
