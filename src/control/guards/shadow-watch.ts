/**
 * Reads from the gateway's reports how copies compare with their originals. What an earlier control saw of them is not
 * seen again: it learns anew from there, and believes too little rather than anything twice.
 */
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
}

export class ShadowWatch implements GuardSource {
  readonly #plane: GuardParts['ports']['plane'];
  readonly #release: ReleaseRecord;
  readonly #guard: ShadowGuard;

  constructor({ rules, level, release, stage }: ShadowOrder, { ports }: GuardParts) {
    this.#plane = ports.plane;
    this.#release = release;
    this.#guard = new ShadowGuard(rules.errors, level);
    this.beginStage(stage);
  }

  beginStage(stage: number): void {
    this.#look();
    this.#guard.beginStage(copiesRequests(this.#release, stage));
  }

  findings(): GuardFinding[] {
    this.#look();
    return this.#guard.findings();
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
