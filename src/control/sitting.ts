/** The judge at work on one release: what it gathered, what it says of it, and what was written down of both. */
import type { Weights } from '../core/judge/cell.ts';
import { budgetOf } from '../core/judge/budget.ts';
import type { GuardRecords } from '../core/judge/guard-records.ts';
import { type GuardedJudgement, verdictWith, withGuards } from '../core/judge/guarded-judgement.ts';
import { Judge } from '../core/judge/judge.ts';
import { EvidenceBook, type EvidenceRecord, type News } from '../core/judge/evidence.ts';
import type { Past } from '../core/judge/observed.ts';
import { reportOf, type RowReport } from '../core/judge/row-report.ts';
import { Recent } from '../core/judge/recent.ts';
import { type JudgeChoice, withoutLatency } from '../core/judge/rules.ts';
import type { GuardFinding, Verdict } from '../core/judge/verdict.ts';
import type { PlanStage } from '../core/release/stage.ts';

export interface Sat {
  readonly stage: number;
  readonly judgement: GuardedJudgement;
  /** Of the stage, by weight and rule. */
  readonly rows: readonly RowReport[];
}

export interface SittingKind {
  /** The release copies requests to its candidate. */
  readonly copies: boolean;
  /** A hash of requests keeps clients where they are. */
  readonly keyed: boolean;
  /** Those who are judged are not all of those whom the past knows. */
  readonly besideOnly?: boolean;
}

export class Sitting {
  readonly #book: EvidenceBook;
  readonly #judge: Judge;
  readonly #warmUpMs: number;
  /** By the clock that never jumps; null: no request of the candidate yet in this stage. */
  #warmAtMs: number | null = null;
  /** Where this control began to look at the stage. */
  #pace: { readonly sinceMs: number; readonly requests: number } | null = null;
  #verdict: Verdict = 'not-enough-evidence';
  #said: Verdict | null = null;
  /** What an earlier control gathered has not been judged by this one. */
  #fresh = true;
  /** What is known beside the counts. */
  #guards: readonly GuardFinding[] = [];
  #beside: GuardRecords | null;
  readonly #recent = new Recent();
  /** Something was gathered since it was written down. */
  unwritten = false;
  writtenAtMs = -Infinity;

  constructor(record: EvidenceRecord, past: Past | null, choice: JudgeChoice, kind: SittingKind) {
    this.#book = new EvidenceBook(record);
    this.#beside = record.guards ?? null;
    const { guards } = choice;
    const rules = kind.keyed ? withoutLatency(choice.rules) : choice.rules;
    const falseAlarms = budgetOf(rules.falseAlarms, guards, kind.copies).requests;
    this.#judge = new Judge({ ...rules, falseAlarms }, past, kind.besideOnly);
    this.#warmUpMs = choice.warmUpMs;
  }

  get stage(): number {
    return this.#book.stage;
  }

  get stageAtMs(): number {
    return this.#book.stageAtMs;
  }

  get verdict(): Verdict {
    return this.#verdict;
  }

  get record(): EvidenceRecord {
    const record = this.#book.record();
    return this.#beside ? { ...record, guards: this.#beside } : record;
  }

  /** What guards have gathered; null: they have not begun, and what was written down of them stays. */
  gatherBeside(records: GuardRecords | null): void {
    if (!records || JSON.stringify(records) === JSON.stringify(this.#beside)) return;
    this.#beside = records;
    this.unwritten = true;
  }

  enter({ index, weights, cold }: PlanStage, atMs: number): void {
    this.#book.enter({ index, weights, cold: cold && this.#warmUpMs > 0, atMs });
    this.#warmAtMs = null;
    this.#pace = null;
    this.#said = null;
    // Whoever waits for this stage asks at once, before anything of it was looked at (R3).
    this.#verdict = 'not-enough-evidence';
    this.unwritten = true;
  }

  expect(weights: Weights): void {
    this.#book.expect(weights);
  }

  /** True when there is something new to judge. */
  take(news: News, monotonicMs: number): boolean {
    this.#pace ??= { sinceMs: monotonicMs, requests: this.stageRequests };
    const counted = this.#book.take(news) || this.#fresh;
    this.#fresh = false;
    this.#recent.add(monotonicMs, this.#book.newest);
    if (counted) this.unwritten = true;
    if (this.#book.cold && this.#book.begun) {
      this.#warmAtMs ??= monotonicMs + this.#warmUpMs;
      if (monotonicMs >= this.#warmAtMs) this.#book.warm();
    }
    return counted;
  }

  /** True when one of them has another word than before. */
  hear(guards: readonly GuardFinding[]): boolean {
    const before = this.#guards;
    this.#guards = guards;
    return (
      guards.length !== before.length || guards.some(({ verdict }, at) => verdict !== before[at]?.verdict)
    );
  }

  /** What has to be said now: the stage has begun to be judged, or the word is another one. */
  look(): Sat | null {
    this.#verdict = verdictWith(this.#judge.verdict(this.#book.observed()), this.#guards);
    // Without a request nothing has begun, unless a guard beside them knows something.
    if (!this.#book.begun && this.#verdict === 'not-enough-evidence') return null;
    if (this.#verdict === this.#said) return null;
    this.#said = this.#verdict;
    return this.judgement();
  }

  judgement(): Sat {
    const observed = this.#book.observed();
    const judgement = withGuards(this.#judge.judgement(observed), this.#guards);
    return { stage: this.stage, judgement, rows: reportOf(observed.stage) };
  }

  /** How the candidate's newest requests ended, and whether that is broken. */
  get recent(): Recent {
    return this.#recent;
  }

  /** The stage's last word; null when nothing was said of it. */
  close(): Sat | null {
    return this.#said === null ? null : this.judgement();
  }

  /** Requests of the candidate in this stage, all weights and rules together. */
  get stageRequests(): number {
    return this.#book.observed().stage.reduce((sum, { candidate }) => sum + candidate.requests, 0);
  }

  /** Of these, per second, since this control looks at the stage; null: unknown. */
  perSecond(monotonicMs: number): number | null {
    if (!this.#pace || monotonicMs <= this.#pace.sinceMs) return null;
    return (this.stageRequests - this.#pace.requests) / ((monotonicMs - this.#pace.sinceMs) / 1_000);
  }

  get observed() {
    return this.#book.observed();
  }
}
