/** The guards beside the gateway's counts, of every release that is judged: begun when first asked for. */
import type { GuardChoices } from '../../core/judge/guard-choices.ts';
import { budgetOf } from '../../core/judge/budget.ts';
import { type GuardRecords, noGuardRecords } from '../../core/judge/guard-records.ts';
import type { JudgeRules } from '../../core/judge/judge.ts';
import type { GuardFinding } from '../../core/judge/verdict.ts';
import { limits } from '../../core/limits.ts';
import { isWeb, isWorker, type Service } from '../../core/project.ts';
import type { UnitOfWork } from '../../core/judge/saturation-guard.ts';
import type { ReleaseRecord } from '../../core/release/records.ts';
import { copiesRequests } from '../../core/release/stage.ts';
import type { GuardParts, GuardSource } from './guard-source.ts';
import { MetricWatch } from './metric-watch.ts';
import { Probing } from './probing.ts';
import { ShadowWatch } from './shadow-watch.ts';
import { UsageWatch } from './usage-watch.ts';

export interface GuardOrder {
  readonly release: ReleaseRecord;
  readonly service: Service;
  readonly choices: GuardChoices;
  /** As the user set them: `budgetOf` shares out the false alarms. */
  readonly rules: JudgeRules;
  /** Another one for each weight that the candidate has had. */
  readonly stage: number;
  /** What was written down of them: by this control, or by an earlier one. Asked for once. */
  readonly before: () => GuardRecords | null;
}

interface Watched {
  readonly sources: readonly GuardSource[];
  stage: number;
  found: readonly GuardFinding[];
  /** Monotonic. */
  foundAtMs: number;
}

export class GuardDesk {
  readonly #parts: GuardParts;
  readonly #watched = new Map<string, Watched>();

  constructor(parts: GuardParts) {
    this.#parts = parts;
  }

  /**
   * What they know by now. To be asked first when the candidate's instances have traffic, and then as often as one
   * likes: what was found a moment ago is given again.
   */
  findings(order: GuardOrder): readonly GuardFinding[] {
    const { id } = order.release;
    const { stage } = order;
    const nowMs = this.#parts.ports.clock.monotonicMs();
    let watched = this.#watched.get(id);
    if (!watched) {
      watched = this.#begin(order);
      this.#watched.set(id, watched);
    }
    if (watched.stage !== stage) {
      watched.stage = stage;
      watched.foundAtMs = -Infinity;
      for (const source of watched.sources) source.beginStage(stage);
    }
    if (nowMs - watched.foundAtMs >= limits.guards.lookIntervalMs) {
      watched.found = watched.sources.flatMap((source) => source.findings());
      watched.foundAtMs = nowMs;
    }
    return watched.found;
  }

  /** What they have gathered so far; null: they have not begun. */
  records(release: string): GuardRecords | null {
    const watched = this.#watched.get(release);
    if (!watched) return null;
    return watched.sources.reduce((records, source) => source.addTo(records), noGuardRecords(watched.stage));
  }

  /** With the stage that was gathered for, so that a new one begins as it does for everybody. */
  #begin(order: GuardOrder): Watched {
    const before = order.before();
    const stage = before?.stage ?? order.stage;
    const sources = this.#sourcesOf({ ...order, stage }, before);
    return { sources, stage, found: [], foundAtMs: -Infinity };
  }

  #sourcesOf(order: GuardOrder, before: GuardRecords | null): GuardSource[] {
    const { release, service, choices, rules, stage } = order;
    const { metrics, saturation, probes } = choices;
    const copies = copiesRequests(release);
    const { each: falseAlarms } = budgetOf(rules.falseAlarms, choices, copies);
    const level = { falseAlarms, falsePasses: rules.falsePasses };
    const sources: GuardSource[] = Object.entries(metrics).map(
      ([name, choice]) => new MetricWatch({ name, choice, level, release, before }, this.#parts),
    );
    if (saturation) {
      const usage = { choice: saturation, falseAlarms, release, unit: unitOf(service), before };
      sources.push(new UsageWatch(usage, this.#parts));
    }
    if (probes && isWeb(service)) {
      const probeRules = {
        tolerateErrors: rules.errors.tolerate,
        tolerateLatency: rules.latency.tolerate,
        negligible: rules.errors.negligible,
        promote: probes.promote,
      };
      const probing = { choice: probes, rules: probeRules, level, release, service, before };
      sources.push(new Probing(probing, this.#parts));
    }
    if (copies) sources.push(new ShadowWatch({ rules, level, release, stage, before }, this.#parts));
    return sources;
  }

  /** The release has ended, or its candidate has no traffic any more. */
  end(release: string): void {
    for (const source of this.#watched.get(release)?.sources ?? []) source.close();
    this.#watched.delete(release);
  }

  close(): void {
    for (const release of this.#watched.keys()) this.end(release);
  }
}

/** In direct mode how many requests an instance got is not known, and a worker has none. */
function unitOf(service: Service): UnitOfWork | null {
  if (isWorker(service)) return 'second';
  return service.traffic.mode === 'gateway' ? 'request' : null;
}
