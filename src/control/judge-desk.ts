/**
 * Watches every release whose candidate has traffic: each report of the gateway is counted in and judged in the same
 * turn, so that what is worse leaves traffic as soon as it is known (R4), whatever step is under way. What was
 * gathered is written down so that a later control goes on where this one was (R5), and every word with its proof.
 */
import { SegueError } from '../core/errors.ts';
import { isSharing, type Rollout, rolloutStage } from '../core/flags/rollout.ts';
import { beginEvidence, type News } from '../core/judge/evidence.ts';
import type { GuardFinding, Verdict } from '../core/judge/verdict.ts';
import { type Standing, standingOf } from '../core/judge/standing.ts';
import type { Recent } from '../core/judge/recent.ts';
import { describeProof } from '../core/judge/words.ts';
import { limits } from '../core/limits.ts';
import { isWeb, type Service } from '../core/project.ts';
import type { ReleaseRecord } from '../core/release/records.ts';
import { comingWeights, copiesRequests, type PlanStage, stageOf } from '../core/release/stage.ts';
import type { TrafficReport } from '../core/traffic/counts.ts';
import type { Clock } from '../ports/clock.ts';
import type { Change } from '../ports/store.ts';
import type { TrafficPlane } from '../ports/traffic-plane.ts';
import type { Judging } from '../wire/api.ts';
import { VariantNews } from './flags/variant-news.ts';
import type { GuardDesk } from './guards/guard-desk.ts';
import type { Ledger } from './ledger.ts';
import { PastKeeper } from './past-keeper.ts';
import { type Sat, Sitting } from './sitting.ts';

export interface JudgeParts {
  readonly ports: { readonly plane: TrafficPlane; readonly clock: Clock };
  readonly ledger: Ledger;
  readonly serviceOf: (name: string) => Service | undefined;
  /** What is looked at beside the requests of users. */
  readonly guards: GuardDesk;
  /** Takes a release back. */
  readonly fail: (release: string, error: SegueError) => void;
  readonly onFault: (error: unknown) => void;
}

export class JudgeDesk {
  readonly #parts: JudgeParts;
  readonly #sittings = new Map<string, Sitting>();
  readonly #pasts: PastKeeper;
  readonly #variants: VariantNews;
  readonly #listeners = new Set<() => void>();

  constructor(parts: JudgeParts) {
    this.#parts = parts;
    this.#pasts = new PastKeeper(parts.ledger);
    this.#variants = new VariantNews(parts.ledger);
  }

  /** Follows the gateway's reports from here on. */
  follow(): void {
    const { plane } = this.#parts.ports;
    plane.onReport((report) => {
      try {
        this.#take(report);
      } catch (error) {
        this.#parts.onFault(error);
      }
    });
  }

  /** Written with the plan: what comes after this moment is the release's. */
  begin({ id, service, from, to }: ReleaseRecord, report: TrafficReport | null): Change {
    const rows = report?.assigned ?? [];
    return {
      put: 'evidence',
      release: id,
      record: beginEvidence({ release: id, service, from, to }, rows),
    };
  }

  /** The release has ended: its last word, and what was gathered is not needed any more. */
  async leave({ id, service }: ReleaseRecord): Promise<void> {
    const sitting = this.#sittings.get(id);
    const last = sitting?.close() ?? null;
    this.#sittings.delete(id);
    this.#variants.end(id);
    this.#parts.guards.end(id);
    const changes: Change[] = [{ put: 'evidence', release: id, record: null }];
    await this.#parts.ledger.write(() => ({
      facts: last ? [factOf(last)] : [],
      changes,
      service,
      release: id,
    }));
  }

  /** Of the stage that the step with this index began; of another one there is no evidence. */
  verdictOf(release: string, stage: number): Verdict {
    const sitting = this.#sittings.get(release);
    return sitting?.stage === stage ? sitting.verdict : 'not-enough-evidence';
  }

  /** Called whenever a verdict changed. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** How it stands now; null: nothing is being judged. */
  judging(release: string): Judging | null {
    const sitting = this.#sittings.get(release);
    if (!sitting || sitting.stage < 0) return null;
    const { stage, judgement, rows: report } = sitting.judgement();
    const perSecond = sitting.perSecond(this.#parts.ports.clock.monotonicMs());
    const { stage: rows } = sitting.observed;
    return { stage, sinceMs: sitting.stageAtMs, perSecond, judgement, rows, report };
  }

  /** The same in one line and a few figures. */
  standing(release: string): Standing | null {
    const judging = this.judging(release);
    return judging && standingOf(judging.judgement, judging.perSecond);
  }

  #take(report: TrafficReport): void {
    const { ledger } = this.#parts;
    // Nothing was heard of any worker of the gateway: yet, or because nothing has to be served.
    const isHeard = report.atMs !== 0;
    const settled = report.workers !== null;
    const rows = Map.groupBy(report.assigned, ({ service }) => service);
    const failures = Map.groupBy(report.failures, ({ service }) => service);
    const monotonicMs = this.#parts.ports.clock.monotonicMs();
    const released = new Set<string>();
    for (const release of ledger.activeReleases) {
      released.add(release.service);
      const needsNoTraffic = this.#parts.serviceOf(release.service)?.kind === 'worker';
      if (!isHeard && !needsNoTraffic) continue;
      const seen = this.#variants.newsOf(release, report) ?? {
        rows: rows.get(release.service) ?? [],
        failures: failures.get(release.service) ?? [],
        sticky: this.#isSticky(release.service),
        settled,
      };
      this.#watch(release, seen, monotonicMs);
    }
    if (!isHeard) return;
    const changes = this.#pasts.take(rows, { atMs: report.atMs, settled, released }, monotonicMs);
    if (changes.length > 0) this.#write(changes, null, null);
  }

  #isSticky(name: string): boolean {
    const service = this.#parts.serviceOf(name);
    return service !== undefined && isWeb(service) && service.traffic.sticky !== null;
  }

  #watch(release: ReleaseRecord, news: News, monotonicMs: number): void {
    const { rollout } = release.plan;
    const [stage, coming] = rollout
      ? [rolloutStage(release), null]
      : [stageOf(release), comingWeights(release)];
    if (!stage && !coming) this.#parts.guards.end(release.id);
    const sitting = stage || coming || isSharing(release) ? this.#sittingOf(release) : null;
    if (!sitting) return;
    if (coming) sitting.expect(coming);
    if (stage && stage.index !== sitting.stage) this.#enter(sitting, stage, release);
    const counted = sitting.take(news, monotonicMs);
    const heard = stage !== null && sitting.hear(this.#besides(release, stage));
    const said = (counted || heard) && stage ? sitting.look() : null;
    const due = monotonicMs - sitting.writtenAtMs >= limits.judge.evidenceIntervalMs;
    if (due) sitting.gatherBeside(this.#parts.guards.records(release.id));
    if (said || (sitting.unwritten && due)) this.#writeDown(sitting, said, release, monotonicMs);
    if (said) this.#speak(release, said, sitting.recent);
  }

  #besides(release: ReleaseRecord, stage: PlanStage): readonly GuardFinding[] {
    const spec = this.#parts.ledger.version(release.service, release.to)?.spec;
    if (!spec?.judge) return [];
    const { rules, guards: choices } = spec.judge;
    const before = () => this.#parts.ledger.evidence(release.id)?.guards ?? null;
    const order = { release, service: spec, choices, rules, stage: stage.index, before };
    return this.#parts.guards.findings(order);
  }

  #enter(sitting: Sitting, stage: PlanStage, release: ReleaseRecord): void {
    const last = sitting.close();
    if (last) this.#write([], factOf(last), release);
    sitting.enter(stage, this.#parts.ports.clock.nowMs());
    this.#changed();
  }

  #speak({ id, plan }: ReleaseRecord, { judgement }: Sat, { isBroken, rate }: Recent): void {
    if (judgement.verdict === 'worse') {
      const proof = describeProof(judgement);
      const broken = `${proof}\nOf its newest requests ${rate.bad} of ${rate.requests} failed.`;
      const code = plan.rollout ? 'VARIANT_WORSE' : isBroken ? 'CANDIDATE_BROKEN' : 'CANDIDATE_WORSE';
      this.#parts.fail(id, new SegueError(code, isBroken ? broken : proof));
    }
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  #writeDown(sitting: Sitting, said: Sat | null, release: ReleaseRecord, monotonicMs: number): void {
    if (said) sitting.gatherBeside(this.#parts.guards.records(release.id));
    sitting.unwritten = false;
    sitting.writtenAtMs = monotonicMs;
    const change = { put: 'evidence', release: release.id, record: sitting.record } as const;
    this.#write([change], said && factOf(said), release);
  }

  #write(changes: readonly Change[], fact: ReturnType<typeof factOf> | null, of: ReleaseRecord | null): void {
    const { ledger, onFault } = this.#parts;
    const compose = () => {
      // It has ended meanwhile: nothing may come after its last entry.
      if (of && !ledger.release(of.id)) return null;
      return { facts: fact ? [fact] : [], changes, service: of?.service ?? null, release: of?.id ?? null };
    };
    ledger.write(compose).catch(onFault);
  }

  /** Of those that are judged at all. */
  #sittingOf(release: ReleaseRecord): Sitting | null {
    const known = this.#sittings.get(release.id);
    if (known) return known;
    const { ledger } = this.#parts;
    if (release.plan.rollout) return this.#sittingOn(release, release.plan.rollout);
    const choice = ledger.version(release.service, release.to)?.spec.judge;
    // Whoever rolls back knows where to, and waits for it.
    if (!choice || release.kind !== 'deploy' || release.from === null) return null;
    const record = ledger.evidence(release.id) ?? beginEvidence({ ...release, release: release.id }, []);
    const service = this.#parts.serviceOf(release.service);
    const keyed = service?.kind === 'web' && service.traffic.sticky?.type === 'hash';
    const kind = { copies: copiesRequests(release), keyed };
    const sitting = new Sitting(record, this.#pasts.pastOf(release.service), choice, kind);
    this.#sittings.set(release.id, sitting);
    return sitting;
  }

  /** Two variants of a flag, at one version: what is slow there the past of its service says. */
  #sittingOn({ id, ...release }: ReleaseRecord, { judge, services, keyed }: Rollout): Sitting | null {
    if (!judge || services.length === 0) return null;
    const record = this.#parts.ledger.evidence(id) ?? beginEvidence({ ...release, release: id }, []);
    const [only = '', ...more] = services;
    const past = more.length === 0 ? this.#pasts.pastOf(only) : null;
    const sitting = new Sitting(record, past, judge, { copies: false, keyed, besideOnly: true });
    this.#sittings.set(id, sitting);
    return sitting;
  }
}

const factOf = ({ stage, judgement, rows }: Sat) =>
  ({ kind: 'verdict', verdict: judgement.verdict, stage, judgement, rows }) as const;
