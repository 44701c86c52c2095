/**
 * Reads from the gateway's reports how copies compare with their originals. What was counted is written down with what
 * the gateway had counted by then, so that a later control counts nothing twice and leaves nothing out.
 */
import type { GuardRecords } from '../../core/judge/guard-records.ts';
import type { JudgeRules } from '../../core/judge/judge.ts';
import type { GuardLevel } from '../../core/judge/metric-guard.ts';
import { ShadowGuard } from '../../core/judge/shadow-guard.ts';
import type { GuardFinding } from '../../core/judge/verdict.ts';
import type { ReleaseRecord } from '../../core/release/records.ts';
import { copiesRequests } from '../../core/release/stage.ts';
import { noShadows } from '../../core/traffic/shadow.ts';
import type { GuardParts, GuardSource } from './guard-source.ts';

export interface ShadowOrder {
  readonly rules: Pick<JudgeRules, 'errors'>;
  readonly level: GuardLevel;
  readonly release: ReleaseRecord;
  /** Index of the step that began the stage. */
  readonly stage: number;
  /** What an earlier control gathered. */
  readonly before: GuardRecords | null;
}

export class ShadowWatch implements GuardSource {
  readonly #plane: GuardParts['ports']['plane'];
  readonly #release: ReleaseRecord;
  readonly #guard: ShadowGuard;

  constructor({ rules, level, release, stage, before }: ShadowOrder, { ports }: GuardParts) {
    this.#plane = ports.plane;
    this.#release = release;
    this.#guard = new ShadowGuard(rules.errors, level, before?.shadow ?? null);
    if (before?.shadow && before.stage === stage) this.#guard.goOn(copiesRequests(release, stage));
    else this.beginStage(stage);
  }

  beginStage(stage: number): void {
    this.#look();
    this.#guard.beginStage(copiesRequests(this.#release, stage));
  }

  findings(): GuardFinding[] {
    this.#look();
    return this.#guard.findings();
  }

  addTo(records: GuardRecords): GuardRecords {
    return { ...records, shadow: this.#guard.gathered };
  }

  close(): void {
    // It has nothing open.
  }

  #look(): void {
    const { service, to } = this.#release;
    const report = this.#plane.report();
    if (!report) return;
    const counts = report.shadows.find((each) => each.service === service && each.version === to);
    this.#guard.take(counts ?? noShadows(service, to));
  }
}
