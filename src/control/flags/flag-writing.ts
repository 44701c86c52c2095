/**
 * Changes of flags as they are written: each with how it was before and after, and with what it overrules; what may
 * not be is refused, and what a file asks for beyond that is held back.
 */
import { SegueError } from '../../core/errors.ts';
import type { FlagChange, FlagState } from '../../core/flags/change.ts';
import type { FlagDefinition } from '../../core/flags/definition.ts';
import { ownOf } from '../../core/flags/json.ts';
import {
  describeOverride,
  inForce,
  type Override,
  type Overrides,
  settled,
} from '../../core/flags/override.ts';
import { lowered, lowestOf } from '../../core/flags/raised.ts';
import { isSame, subjectOf } from '../../core/flags/rollout.ts';
import type { Ledger, Writing } from '../ledger.ts';
import type { FlagCeilings } from './flag-ceilings.ts';
import type { Asked } from './flag-desk.ts';
import type { FoundFlags } from './flag-files.ts';
import { put, remembered } from './remembered.ts';

const OVERRIDES = 'flag-overrides';

export interface FlagWritingParts {
  readonly ledger: Ledger;
  readonly ceilings: FlagCeilings;
  readonly inFile: (flag: string) => FlagDefinition | null;
  readonly now: (flag: string) => FlagDefinition | null;
}

export class FlagWriting {
  readonly #parts: FlagWritingParts;

  constructor(parts: FlagWritingParts) {
    this.#parts = parts;
  }

  get overrides(): Overrides {
    return remembered<Overrides>(this.#parts.ledger, OVERRIDES, {});
  }

  /** For a write; the desk's `refresh` follows it. Throws FLAG_CEILING and FLAG_REFUSED. */
  composed(
    asked: readonly Asked[],
    approvedBy: string | null = null,
    made: FlagChange[] = [],
  ): Pick<Writing, 'facts' | 'changes'> {
    let overrides = this.overrides;
    for (const one of asked) {
      const { flag, verb, by, reason, undoes, override, release } = one;
      this.#refuseRolled(one);
      this.#refuseOther(one);
      const overruled = this.#overruledBy(one);
      const earlier = ownOf(overrides, flag) ?? null;
      const { [flag]: _, ...others } = overrides;
      overrides = override === null ? others : { ...others, [flag]: override };
      const before = this.#stateOf(flag, earlier);
      const after = this.#stateOf(flag, override);
      const insisted = overruled === null ? {} : { overruled };
      const step = verb === 'rollout' && release !== undefined ? { release } : {};
      made.push({ flag, verb, by, reason, approvedBy, undoes, ...step, ...insisted, before, after });
    }
    const facts = made.map((change) => ({ kind: 'flag-changed', ...change }) as const);
    return { facts, changes: [put(OVERRIDES, overrides)] };
  }

  /** Throws FLAG_CEILING and FLAG_REFUSED, for what would be refused when it is written. */
  refuse(asked: Asked): void {
    this.#refuseRolled(asked);
    this.#refuseOther(asked);
    this.#overruledBy(asked);
  }

  /** Somebody was faster: what was asked for was meant for how it was. */
  #refuseOther({ flag, from }: Asked): void {
    const now = ownOf(this.overrides, flag) ?? null;
    if (from === undefined || isSame(from, now)) return;
    throw new SegueError('FLAG_REFUSED', `${flag} was changed meanwhile: it is ${describeOverride(now)}.`);
  }

  /** Throws FLAG_CEILING (F1). */
  refuseAbove(flag: string, override: Override | null): void {
    this.#overruledBy({ flag, override });
  }

  /** What it overrules; null: nothing is in its way (F1). */
  #overruledBy({
    flag,
    override,
    anyway = false,
  }: Pick<Asked, 'flag' | 'override' | 'anyway'>): string | null {
    const file = this.#parts.inFile(flag);
    const why = this.#parts.ceilings.trouble(flag, this.#parts.now(flag), inForce(file, override), file);
    if (why !== null && !anyway) throw new SegueError('FLAG_CEILING', why);
    return why;
  }

  /** A file that asks for more than may be is in force all the same, with those flags lowered. */
  heldBack(next: FoundFlags): Pick<Writing, 'facts' | 'changes'> {
    const made: FlagChange[] = [];
    let overrides = this.overrides;
    for (const [flag, { definition }] of Object.entries(next)) {
      const set = ownOf(overrides, flag) ?? null;
      const why = this.#raisedBy(flag, definition, set);
      if (why === null) continue;
      const override = lowered(lowestOf(definition, definition));
      overrides = { ...overrides, [flag]: override };
      made.push({
        ...{ flag, verb: 'hold', by: 'control', reason: why, approvedBy: null, undoes: null },
        before: { override: set, definition: inForce(definition, set) },
        after: { override, definition: inForce(definition, override) },
      });
    }
    if (made.length === 0) return { facts: [], changes: [] };
    const facts = made.map((change) => ({ kind: 'flag-changed', ...change }) as const);
    return { facts, changes: [put(OVERRIDES, overrides)] };
  }

  /** Where the file's own rules are in force, or will be when a roll-out goes back to them. */
  #raisedBy(flag: string, next: FlagDefinition, set: Override | null): string | null {
    if (set !== null && set.type !== 'rolled') return null;
    const { ceilings, inFile } = this.#parts;
    const troubles = [set, settled(set)].map((each) =>
      ceilings.trouble(flag, inForce(inFile(flag), each), inForce(next, each), next),
    );
    return troubles.find((why) => why !== null) ?? null;
  }

  /**
   * While it is rolled out it may be turned off, or lowered with its code, and nothing else: two who set it would undo
   * each other.
   */
  #refuseRolled({ flag, verb, release }: Asked): void {
    const { activeRelease } = this.#parts.ledger.service(subjectOf(flag));
    if (activeRelease === null || activeRelease === release || verb === 'off' || verb === 'lower') return;
    throw new SegueError(
      'FLAG_REFUSED',
      `${activeRelease} rolls it out. Take that back first: segue abort ${subjectOf(flag)}; or turn it off: segue flags off ${flag}.`,
    );
  }

  #stateOf(flag: string, override: Override | null): FlagState {
    return { override, definition: inForce(this.#parts.inFile(flag), override) };
  }
}
