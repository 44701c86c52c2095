/**
 * Takes orders for releases of flags: everything that can be refused is refused before anything is changed (exit code
 * 5). While one runs it sees to it that nobody else sets the flag: who turns it off wins, and ends it.
 */
import { SegueError } from '../../core/errors.ts';
import type { FlagChange } from '../../core/flags/change.ts';
import { approversOf, type FlagChoices, namesFlag } from '../../core/flags/choices.ts';
import { inForce, type Override, settled } from '../../core/flags/override.ts';
import {
  flagOf,
  isSame,
  returnPlan,
  type Rollout,
  rolloutPlan,
  settingsOf,
  subjectOf,
} from '../../core/flags/rollout.ts';
import { type Ground, groundOf, sharedOut } from '../../core/flags/share.ts';
import type { JudgeChoice } from '../../core/judge/rules.ts';
import type { WebService } from '../../core/project.ts';
import { describeWord, type Word } from '../../core/release/gate.ts';
import type { Plan } from '../../core/release/plan.ts';
import type { ReleaseRecord } from '../../core/release/records.ts';
import { BEGIN, isPromoted, type ReleaseState } from '../../core/release/state.ts';
import type { Step } from '../../core/release/step.ts';
import type { FlagRolloutRequest } from '../../wire/flag-api.ts';
import type { Engine } from '../engine.ts';
import type { JudgeDesk } from '../judge-desk.ts';
import type { Ledger } from '../ledger.ts';
import type { Orders } from '../orders.ts';
import type { ControlPorts } from '../ports.ts';
import type { FlagDesk } from './flag-desk.ts';

export interface RolloutDeskParts {
  readonly ports: ControlPorts;
  readonly ledger: Ledger;
  readonly engine: Engine;
  readonly orders: Orders;
  readonly judge: JudgeDesk;
  readonly desk: FlagDesk;
  readonly choices: () => FlagChoices;
  readonly services: () => readonly WebService[];
  readonly isService: (name: string) => boolean;
}

const NO_GUARDS: JudgeChoice['guards'] = { metrics: {}, saturation: null, probes: null };

export class RolloutDesk {
  readonly #parts: RolloutDeskParts;

  constructor(parts: RolloutDeskParts) {
    this.#parts = parts;
    parts.desk.onChange(() => this.look());
    parts.ledger.follow(({ fact }) => {
      if (fact.kind === 'flag-changed' && isTaking(fact)) this.#taken(fact);
    });
  }

  /** What people call it by, as releases do: a flag may be named alone where no service has its name. */
  subjectOf(name: string): string {
    const { isService, desk, ledger } = this.#parts;
    if (isService(name) || flagOf(name) !== null) return name;
    const subject = subjectOf(name);
    return desk.definitionOf(name) || ledger.service(subject).activeRelease !== null ? subject : name;
  }

  get active(): readonly ReleaseRecord[] {
    return this.#parts.ledger.activeReleases.filter(({ plan }) => plan.rollout);
  }

  async begin(flag: string, request: FlagRolloutRequest): Promise<ReleaseRecord> {
    const { by, reason } = request;
    this.#needReason(reason);
    return this.#begin(flag, 'rollout', by, (release) => this.#planOf(flag, request, release));
  }

  /** While it runs it goes back; after its end one write sets the flag to what was before it. */
  async rollback(subject: string, { by, reason }: Word): Promise<ReleaseRecord> {
    const { ledger, ports, desk, orders } = this.#parts;
    if (ledger.service(subject).activeRelease !== null)
      return orders.abort(subject, { by, reason: reason || 'rollback' });
    this.#needReason(reason);
    const flag = flagOf(subject) ?? '';
    const now = desk.overrideOf(flag);
    const releases = await ports.store.releases({ service: subject });
    const last = releases.find(({ kind, state }) => kind === 'rollout' && isDone(state));
    const rollout = last?.plan.rollout;
    if (!rollout || !isSame(endOf(last.plan), now))
      throw new SegueError('NOTHING_TO_ROLL_BACK_TO', `${flag} was not last set by a roll-out that is done.`);
    return this.#begin(flag, 'rollback', by, (release) => {
      desk.writing.refuseAbove(flag, rollout.before);
      const back: Rollout = {
        ...{ flag, from: rollout.to, to: rollout.from, before: now, reason },
        ...{ approvers: null, services: rollout.services, judge: null, keyed: rollout.keyed },
      };
      return returnPlan(release, back, rollout.before);
    });
  }

  /** Whoever turns a flag off, or lowers it, says so to its roll-out as well, even where it was off before. */
  #taken({ flag, verb, ...word }: FlagChange): void {
    const id = this.#parts.ledger.service(subjectOf(flag)).activeRelease;
    const detail = `${flag} was ${verb === 'off' ? 'turned off' : 'lowered'} by ${describeWord(word)}.`;
    if (id !== null) this.#parts.engine.fail(id, new SegueError('FLAG_TAKEN', detail));
  }

  /** Releases whose flag is not what they set it to, or cannot be shared out any more, go back. */
  look(): void {
    const { desk, engine } = this.#parts;
    for (const release of this.active) {
      const { rollout } = release.plan;
      if (!rollout || release.state.phase !== 'forward' || isPromoted(release.state, release.plan.steps))
        continue;
      const now = desk.overrideOf(rollout.flag);
      if (!settingsOf(release).some((setting) => isSame(setting, now)))
        engine.fail(release.id, new SegueError('FLAG_TAKEN', `${rollout.flag}: ${this.#describe(now)}.`));
      else if (release.kind === 'rollout' && !this.#fits(rollout))
        engine.fail(release.id, new SegueError('FLAG_MOVED', rollout.flag));
    }
  }

  #describe(now: Override | null): string {
    return now?.type === 'fixed' ? `"${now.variant}" for everybody` : 'it is set to something else';
  }

  #fits({ flag, to, from, before }: Rollout): boolean {
    const definition = inForce(this.#parts.desk.fileDefinitionOf(flag), before);
    return definition !== null && sharedOut(definition, { to, from, percent: 1 }) !== null;
  }

  #needReason(reason: string): void {
    if (this.#parts.choices().reason && reason.trim() === '')
      throw new SegueError('FLAG_REFUSED', 'Changes of flags need a reason here: say it with --reason.');
  }

  /** The plan is made when the write has its turn: from what is true then. */
  async #begin(
    flag: string,
    kind: ReleaseRecord['kind'],
    by: string,
    planFor: (release: string) => Plan,
  ): Promise<ReleaseRecord> {
    const { ledger, ports, judge, engine } = this.#parts;
    const subject = subjectOf(flag);
    const begun: ReleaseRecord[] = [];
    await ledger.write(() => {
      const service = ledger.service(subject);
      if (service.activeRelease !== null)
        throw new SegueError('RELEASE_ACTIVE', `${service.activeRelease} of ${subject}.`);
      this.#refuseRaised(flag);
      const plan = planFor(ledger.nextReleaseId());
      const { release: id, from, to } = plan;
      const times = { startedAtMs: ports.clock.nowMs(), endedAtMs: null };
      const what = { service: subject, kind, by, from, to, plan, state: BEGIN, baseline: [] };
      const record: ReleaseRecord = { id, ...what, ...times, receipt: null };
      begun.push(record);
      return {
        facts: [{ kind: 'release-planned', by, plan }],
        changes: [
          { put: 'release', record },
          { put: 'service', record: { ...service, activeRelease: id } },
          judge.begin(record, null),
        ],
        ...{ service: subject, release: id },
      };
    });
    const [record] = begun;
    if (!record) throw new SegueError('UNEXPECTED', `no release of ${flag} was written`);
    engine.run(record.id);
    return record;
  }

  /** It would stand in the way of a step of that release, which would go back for it. */
  #refuseRaised(flag: string): void {
    const raises = (step: Step) => step.kind === 'flag' && step.flag === flag;
    const raising = this.#parts.ledger.activeReleases.find(({ plan }) => plan.steps.some(raises));
    if (!raising) return;
    const { id, service } = raising;
    throw refused(
      `${id} of ${service} raises ${flag}. Wait until that has ended, or take it back first: segue abort ${service}.`,
    );
  }

  #planOf(flag: string, request: FlagRolloutRequest, release: string): Plan {
    const { desk, choices } = this.#parts;
    const before = settled(desk.overrideOf(flag));
    const ground = this.#groundOf(flag, request, before);
    const judged = this.#judgedBy(flag, request);
    const percents = request.percents.filter((percent) => percent > ground.percent && percent < 100);
    if (percents.length === 0)
      throw refused(
        `No step is left between ${Math.floor(ground.percent)}% and everybody: a roll-out has one at least.`,
      );
    const rollout: Rollout = {
      ...{ flag, from: ground.from, to: request.to, before, reason: request.reason },
      approvers: approversOf(choices(), flag),
      services: judged.map(({ name }) => name),
      judge: judgeOf(judged),
      keyed: judged.some(({ traffic }) => (traffic.flags?.key ?? null) !== null),
    };
    const { forMs, evidence, approve } = request;
    const plan = rolloutPlan({
      ...{ release, rollout, percents, gates: { forMs, evidence, approve }, isAll: ground.isAll },
      hasFile: desk.fileDefinitionOf(flag) !== null,
      problems: problemsOf(ground, rollout, request),
    });
    desk.writing.refuseAbove(flag, endOf(plan));
    return plan;
  }

  #groundOf(flag: string, { to, from }: FlagRolloutRequest, before: Override | null): Ground {
    const { desk } = this.#parts;
    const definition = inForce(desk.fileDefinitionOf(flag), before);
    if (!definition) throw new SegueError('FLAG_UNKNOWN', flag);
    const stranger = [to, from ?? to].find((variant) => !Object.hasOwn(definition.variants, variant));
    if (stranger !== undefined)
      throw refused(
        `${flag} has no variant "${stranger}"; it has ${Object.keys(definition.variants).join(', ')}.`,
      );
    const grounds = groundOf(definition, to, from);
    if (!grounds.ok) throw refused(`${flag} cannot be rolled out: ${grounds.why}.`);
    return grounds.ground;
  }

  /** Those whose gateway evaluates it: nobody else tells how the variants do. */
  #judgedBy(flag: string, { service, evidence }: FlagRolloutRequest): readonly WebService[] {
    const all = this.#parts
      .services()
      .filter(({ traffic }) => traffic.mode === 'gateway' && namesFlag(traffic.flags?.names ?? [], flag));
    const named = service === null ? all : all.filter(({ name }) => name === service);
    // Whose judge is off is not judged, where another one's is on.
    const judged = judgeOf(named) === null ? named : named.filter(({ judge }) => judge !== null);
    const way = `Name it under "traffic.flags.evaluate" of its service, or give each step a time with --for.`;
    if (service !== null && judged.length === 0)
      throw refused(`No gateway evaluates ${flag} for requests of ${service}. ${way}`);
    if (!evidence) return judged;
    if (judged.length === 0)
      throw refused(
        `No gateway evaluates ${flag}, so nobody could tell how its variants do (R8): there is no evidence to wait for. ${way}`,
      );
    if (judgeOf(judged) === null)
      throw refused(`${judged.map(({ name }) => name).join(', ')} has "judge: off": ${way}`);
    return judged;
  }
}

/** Of the first that has one. Guards that compare instances say nothing of variants. */
function judgeOf(services: readonly WebService[]): JudgeChoice | null {
  const [judge] = services.flatMap((service) => service.judge ?? []);
  return judge ? { ...judge, guards: NO_GUARDS } : null;
}

/** What the plan says as warnings. */
function problemsOf(
  { percent, isAll }: Ground,
  { to, judge }: Rollout,
  request: FlagRolloutRequest,
): string[] {
  const dropped = request.percents.filter((each) => each <= percent);
  const has = `${Math.floor(percent)}% have "${to}" already`;
  return [
    ...(dropped.length > 0 ? [`${has}: the steps up to that are left out (${dropped.join(', ')})`] : []),
    ...(isAll ? [] : [`whom a rule of the flag matches keeps what it gives, and is not counted`]),
    ...(judge === null ? ['nobody judges it: each step ends with its time, or by a person'] : []),
  ];
}

const isTaking = ({ verb }: FlagChange) => verb === 'off' || verb === 'lower' || verb === 'hold';

const isDone = (state: ReleaseState) => state.phase === 'ended' && state.outcome === 'done';

const endOf = ({ steps }: Plan): Override | null =>
  steps.findLast((step) => step.kind === 'share')?.override ?? null;

const refused = (detail: string) => new SegueError('FLAG_REFUSED', detail);
