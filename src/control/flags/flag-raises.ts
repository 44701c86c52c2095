/**
 * Flags as steps of releases: raised as the plan says, and lowered before requests go to a version without their code
 * (F2). What a release raised is remembered until it ends, so that going back puts each flag where it was.
 */
import { SegueError } from '../../core/errors.ts';
import { type FlagCode, fallsBelow } from '../../core/flags/ceiling.ts';
import { approversOf, type FlagChoices } from '../../core/flags/choices.ts';
import { ownOf } from '../../core/flags/json.ts';
import {
  describeOverride,
  inForce,
  laidOver,
  type Override,
  strangers,
  variantFor,
} from '../../core/flags/override.ts';
import { lowered, raisedPercent, raisedTo, surePercent } from '../../core/flags/raised.ts';
import { isSame, subjectOf } from '../../core/flags/rollout.ts';
import type { Service } from '../../core/project.ts';
import { type FlagFact, losesCode } from '../../core/release/flag-facts.ts';
import type { ReleaseRecord } from '../../core/release/records.ts';
import type { FlagStep, LowerStep } from '../../core/release/step.ts';
import { flagsRaisedBy } from '../../core/strategy/flags.ts';
import type { Rotation } from '../../core/traffic/rotation.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Change } from '../../ports/store.ts';
import type { Ledger, Writing } from '../ledger.ts';
import { until } from '../until.ts';
import type { Asked, FlagDesk } from './flag-desk.ts';
import { put, remembered } from './remembered.ts';

const RAISES = 'flag-raises';

/** By flag. */
type Raises = Readonly<
  Record<
    string,
    { readonly release: string; readonly before: Override | null; readonly set: Override | null }
  >
>;

export interface FlagRaisesParts {
  readonly ledger: Ledger;
  readonly desk: FlagDesk;
  readonly clock: Clock;
  readonly choices: () => FlagChoices;
}

/** A release as its flags see it. */
type Going = Pick<ReleaseRecord, 'id' | 'service' | 'from' | 'to' | 'by'>;

export interface RaiseOrder {
  readonly release: Going;
  /** Of the step, from 0. */
  readonly index: number;
  readonly signal: AbortSignal;
}

export class FlagRaises {
  readonly #parts: FlagRaisesParts;

  constructor(parts: FlagRaisesParts) {
    this.#parts = parts;
  }

  /** Throws FLAG_UNKNOWN and FLAG_REFUSED for what a plan cannot raise, whatever the traffic. */
  refuseUnknown({ name, strategy }: Service): void {
    const { desk, ledger } = this.#parts;
    for (const { flag, variant, percent } of flagsRaisedBy(strategy)) {
      const definition = desk.definitionOf(flag);
      if (!definition) throw new SegueError('FLAG_UNKNOWN', `${name} raises "${flag}".`);
      const subject = subjectOf(flag);
      const { activeRelease } = ledger.service(subject);
      if (activeRelease !== null)
        throw new SegueError(
          'FLAG_REFUSED',
          `${name} raises ${flag}, which ${activeRelease} rolls out. Wait until that has ended, or take it back first: segue abort ${subject}.`,
        );
      const to = variant ?? variantFor(definition, 'on');
      if (to === null || strangers({ type: 'fixed', variant: to }, definition).length > 0)
        throw new SegueError(
          'FLAG_REFUSED',
          `${name} raises ${flag} to "${to ?? 'on'}"; it has ${Object.keys(definition.variants).join(', ')}.`,
        );
      if (raisedTo(definition, to, percent ?? 1, desk.lowestOf(flag)) === null)
        throw new SegueError('FLAG_REFUSED', unshared(flag));
    }
  }

  /** Flags that are raised and bound to the service, that the release raised, or that its plan may raise. */
  factsFor(service: Service, { id, to }: Pick<Going, 'id' | 'to'>): FlagFact[] {
    const { desk } = this.#parts;
    const raises = this.#raises;
    const named = new Set(flagsRaisedBy(service.strategy).map(({ flag }) => flag));
    return [...desk.set.flags].flatMap(({ key: flag, definition, notes }): FlagFact[] => {
      const code = desk.ceilings.codeOf(flag, notes);
      const own = code.find((each) => each.service === service.name) ?? null;
      const ours = ownOf(raises, flag)?.release === id;
      const raised = desk.raisedOf(flag);
      if (!ours && !named.has(flag) && (own === null || raised === 0)) return [];
      const { needs } = notes;
      return [
        {
          ...{ flag, ours, raised, on: variantFor(definition, 'on') },
          ...{ since: own?.since ?? null, versions: this.#versions(own, code, named.has(flag), to) },
          needs: needs === null ? null : { change: needs, reach: desk.ceilings.reachOf(needs) },
        },
      ];
    });
  }

  /** A plan that raises a flag of which nothing is known says that its version has the code. */
  #versions(
    own: FlagCode | null,
    all: readonly FlagCode[],
    named: boolean,
    to: string,
  ): readonly string[] | null {
    if (own === null) return named && all.length === 0 ? [to] : null;
    // A version that is only looked at is made after all others.
    const isNew = !this.#parts.ledger.version(own.service, to);
    return isNew && (own.since === to || own.versions.length > 0) ? [...own.versions, to] : own.versions;
  }

  needing(change: string): { readonly flag: string; readonly raised: number }[] {
    const { desk } = this.#parts;
    return [...desk.set.flags]
      .filter(({ notes }) => notes.needs === change)
      .map(({ key: flag }) => ({ flag, raised: desk.raisedOf(flag) }));
  }

  async raise(step: FlagStep, { release, index, signal }: RaiseOrder): Promise<string> {
    const { desk, choices } = this.#parts;
    const { flag, variant, percent } = step;
    const definition = desk.definitionOf(flag);
    if (!definition) throw new SegueError('FLAG_UNKNOWN', flag);
    const before = desk.overrideOf(flag);
    const known = ownOf(this.#raises, flag);
    const waits = desk.pending.some((one) => one.flag === flag && one.release === release.id);
    if (!waits && known?.release === release.id && !isSame(before, known.set))
      return `left as it was set meanwhile: ${describeOverride(before)}`;
    if (surePercent(definition, variant) >= percent) return 'so far already';
    const file = desk.fileDefinitionOf(flag);
    const raised = raisedTo(file ?? definition, variant, percent, desk.lowestOf(flag));
    if (raised === null) throw new SegueError('FLAG_REFUSED', unshared(flag));
    const override = laidOver(file, definition, raised);
    // Of a flag that nobody has asked for and nothing is written of, the plan says that this version has the code.
    const code = desk.ceilings.codeOf(flag, desk.notesOf(flag));
    const isNews = desk.raisedOf(flag) === 0 && code.length === 0;
    if (isNews) desk.noteAsker(flag, { service: release.service, version: release.to });
    const asked: Asked = {
      ...{ flag, verb: 'raise', override, by: release.by, release: release.id },
      ...{ reason: `step ${index + 1} of ${release.id}`, undoes: null },
    };
    const about = { service: release.service, release: release.id };
    const remember = (): Change[] => [
      ...(isNews ? [desk.askersNow()] : []),
      put(RAISES, {
        ...this.#raises,
        [flag]: {
          release: release.id,
          before: known?.release === release.id ? known.before : before,
          set: override,
        },
      }),
    ];
    if (approversOf(choices(), flag) === null) await desk.apply([asked], about, remember);
    else await this.#withApproval(asked, about, remember, waits, signal);
    return `was ${describeOverride(before)}`;
  }

  /** Somebody else's word, however late; the release waits for it as for an approval of its own. */
  async #withApproval(
    asked: Asked,
    about: Pick<Writing, 'service' | 'release'>,
    remember: () => Change[],
    waits: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const { desk, ledger, clock } = this.#parts;
    if (!waits) await desk.ask(asked);
    const isOver = () =>
      desk.pending.every((one) => one.flag !== asked.flag || one.release !== asked.release);
    await until(isOver, (check) => desk.onChange(check), { clock, withinMs: Infinity, signal });
    await ledger.write(() => ({ ...about, facts: [], changes: remember() }));
  }

  /** Before requests go to another version: whatever is raised by the release, or has no code there. */
  async lower(step: LowerStep, release: Going): Promise<string> {
    const { desk } = this.#parts;
    const asked = this.#toLower(step, release);
    const about = { service: release.service, release: release.id };
    if (asked.length === 0) return 'none was raised';
    await desk.apply(asked, about, () => desk.withoutPending(release.id));
    return asked.map(({ flag, override }) => `${flag} ${describeOverride(override)}`).join('; ');
  }

  #toLower({ flags, for: staying }: LowerStep, release: Going): Asked[] {
    const { ledger } = this.#parts;
    const spec = ledger.version(release.service, release.to)?.spec;
    const leaving = staying === release.to ? release.from : release.to;
    const facts = spec ? this.factsFor(spec, release) : [];
    return facts.flatMap((fact) => {
      const { flag } = fact;
      const lost = losesCode(fact, leaving, staying);
      if (fact.raised === 0 || (!lost && !(fact.ours && staying !== release.to))) return [];
      const to = this.#goalOf(fact, leaving, staying, lost);
      if (to === undefined) return [];
      const named = flags.includes(flag) ? '' : ', and was raised meanwhile';
      const reason = `${staying ?? 'no version'} is to serve ${lost ? 'without its code' : 'again'}${named}`;
      return [
        {
          ...{ flag, verb: 'lower', override: to, by: release.id },
          ...{ reason, undoes: null, anyway: true },
        },
      ];
    });
  }

  /** Where a release found it, unless its code goes; undefined: a person has set it since, and may. */
  #goalOf(
    { flag, ours, versions }: FlagFact,
    leaving: string | null,
    staying: string | null,
    lost: boolean,
  ): Override | null | undefined {
    const { desk } = this.#parts;
    const [file, now] = [desk.fileDefinitionOf(flag), desk.definitionOf(flag)];
    const lowest = desk.lowestOf(flag);
    const floor = laidOver(file, now, lowered(lowest));
    const known = ours ? ownOf(this.#raises, flag) : undefined;
    if (!known) return floor;
    if (!isSame(desk.overrideOf(flag), known.set)) return lost ? floor : undefined;
    const before = inForce(file, known.before);
    const raised = before ? raisedPercent(before, lowest) : 0;
    return before === null || losesCode({ raised, versions }, leaving, staying) ? floor : known.before;
  }

  /**
   * With a rotation that gives less to the versions with a flag's code: what is above that now. Part of the write that
   * makes the rotation true, so that nothing comes between; never in its way.
   */
  following(service: string, rotation: Rotation): Pick<Writing, 'facts' | 'changes'> | null {
    const { desk } = this.#parts;
    try {
      const asked = [...desk.set.flags].flatMap(({ key: flag, definition, notes }): Asked[] => {
        const percent = desk.raisedOf(flag);
        if (percent === 0) return [];
        const before = desk.ceilings.codeOf(flag, notes);
        const after = desk.ceilings.codeOf(flag, notes, { [service]: rotation });
        const falls = before.some((code, at) => {
          const next = after[at];
          return code.service === service && next !== undefined && fallsBelow(percent, code, next);
        });
        if (!falls) return [];
        const override = laidOver(desk.fileDefinitionOf(flag), definition, lowered(desk.lowestOf(flag)));
        const reason = `less of ${service} goes to versions with its code`;
        return [{ flag, verb: 'lower', override, by: 'control', reason, undoes: null, anyway: true }];
      });
      return asked.length > 0 ? desk.writing.composed(asked) : null;
    } catch {
      return null;
    }
  }

  /** The release has ended: what it raised is nobody's any more. One that went back leaves nothing raised. */
  async leave(release: ReleaseRecord): Promise<void> {
    const { ledger, desk } = this.#parts;
    const { id, service, state } = release;
    const back = state.phase === 'ended' && state.outcome === 'rolled-back';
    if (back) await this.lower({ kind: 'lower', flags: [], for: release.from }, release);
    // Others may have raised something when the write has its turn.
    await ledger.write(() => {
      const all = Object.entries(this.#raises);
      const left = all.filter(([, one]) => one.release !== id);
      const pending = desk.withoutPending(id);
      if (left.length === all.length && pending.length === 0) return null;
      return {
        facts: [],
        changes: [put(RAISES, Object.fromEntries(left)), ...pending],
        service,
        release: id,
      };
    });
  }

  get #raises(): Raises {
    return remembered<Raises>(this.#parts.ledger, RAISES, {});
  }
}

const unshared = (flag: string) =>
  `${flag} has no variant that is "off", false or its file's default, so a share of it cannot be given; raise it to 100%.`;
