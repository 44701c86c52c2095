/** What people ask of flags, made into changes: refused before anything is changed, with what is possible instead. */
import { SegueError } from '../../core/errors.ts';
import {
  describeOverride,
  laidOver,
  type Override,
  settled,
  strangers,
  variantFor,
} from '../../core/flags/override.ts';
import { type FlagDefinition, notesOf } from '../../core/flags/definition.ts';
import type { FlagChoices } from '../../core/flags/choices.ts';
import { limits } from '../../core/limits.ts';
import type { Store } from '../../ports/store.ts';
import type { FlagChangeRequest, FlagChangesResponse, FlagChangeResponse } from '../../wire/flag-api.ts';
import { checkedFlag } from '../../wire/flags/checked-flag.ts';
import { circleFrom, prerequisitesOf } from '../../wire/flags/parse-flags.ts';
import type { FlagDesk } from './flag-desk.ts';

export interface FlagChangesParts {
  readonly desk: FlagDesk;
  readonly store: Store;
  readonly choices: () => FlagChoices;
}

type Word = { readonly by: string; readonly reason: string; readonly anyway?: boolean | undefined };

export class FlagChanges {
  readonly #parts: FlagChangesParts;

  constructor(parts: FlagChangesParts) {
    this.#parts = parts;
  }

  async change(flag: string, request: FlagChangeRequest): Promise<FlagChangeResponse> {
    const { to, by, reason, anyway = false } = request;
    this.#needReason(reason, anyway);
    const { desk } = this.#parts;
    const isNew = to.type === 'definition' && to.isNew;
    if (isNew && desk.definitionOf(flag))
      throw new SegueError('FLAG_REFUSED', `There is a flag ${flag} already.`);
    if (!isNew && !desk.definitionOf(flag)) throw unknown(flag);
    const override = this.#overrideOf(flag, to);
    const verb = isNew ? 'new' : to.type === 'on' || to.type === 'off' ? to.type : 'set';
    // Of two who make the same flag, one is the second.
    const from = isNew ? { from: desk.overrideOf(flag) } : {};
    return desk.ask({ flag, verb, override, by, reason, undoes: null, anyway, ...from });
  }

  /** Puts a flag back to how it was before this change; refused when it was changed again since. */
  async undo(number: number, { by, reason, anyway = false }: Word): Promise<FlagChangeResponse> {
    this.#needReason(reason, anyway);
    const { changes } = await this.history(null, limits.flags.historyMax);
    const found = changes.find((one) => one.number === number);
    if (!found) throw new SegueError('FLAG_CHANGE_UNKNOWN', `There is no change ${number}.`);
    const { flag, before, after } = found.change;
    const now = this.#parts.desk.overrideOf(flag);
    if (JSON.stringify(now) !== JSON.stringify(after.override)) {
      const later = changes.find((one) => one.change.flag === flag);
      const since = later ? `, by change ${later.number}` : '';
      throw new SegueError(
        'FLAG_REFUSED',
        `${flag} was changed again since then${since}: it is ${describeOverride(now)}.`,
      );
    }
    return this.#parts.desk.ask({
      flag,
      verb: 'undo',
      // Of a roll-out all of it is undone: nobody would watch what is half way.
      override: settled(before.override),
      by,
      reason,
      undoes: number,
      anyway,
      from: now,
    });
  }

  approve(number: number, by: string): Promise<FlagChangeResponse> {
    return this.#parts.desk.approve(number, by);
  }

  /** The newest first. */
  async history(flag: string | null, limit: number): Promise<FlagChangesResponse> {
    const entries = await this.#parts.store.entries({
      kind: 'flag-changed',
      last: true,
      limit: limits.flags.historyMax,
    });
    const changes = entries.toReversed().flatMap(({ seq, atMs, fact }) => {
      if (fact.kind !== 'flag-changed' || (flag !== null && fact.flag !== flag)) return [];
      const { kind: _kind, ...change } = fact;
      return [{ number: seq, atMs, change }];
    });
    return { changes: changes.slice(0, limit) };
  }

  #needReason(reason: string, anyway: boolean): void {
    if (reason.trim() !== '') return;
    if (anyway) throw new SegueError('FLAG_REFUSED', 'Whoever insists says why: --anyway needs --reason.');
    if (this.#parts.choices().reason)
      throw new SegueError('FLAG_REFUSED', 'Changes of flags need a reason here: say it with --reason.');
  }

  #overrideOf(flag: string, to: FlagChangeRequest['to']): Override | null {
    const { desk } = this.#parts;
    if (to.type === 'definition') {
      const given = checkedFlag(flag, to.definition);
      this.#checkPrerequisites(flag, given);
      return { type: 'definition', definition: given };
    }
    const definition = desk.fileDefinitionOf(flag) ?? desk.definitionOf(flag);
    if (!definition) throw unknown(flag);
    if (to.type === 'file') {
      if (!desk.fileDefinitionOf(flag))
        throw new SegueError('FLAG_REFUSED', `${flag} is in no file: it was made at run time.`);
      return null;
    }
    const override = plainOverride(definition, to);
    const [stranger] = strangers(override, definition);
    if (stranger !== undefined)
      throw new SegueError(
        'FLAG_REFUSED',
        `${flag} has no variant "${stranger}"; it has ${Object.keys(definition.variants).join(', ')}.`,
      );
    return laidOver(desk.fileDefinitionOf(flag), desk.definitionOf(flag), override);
  }

  /** As in files: what it needs is there, and does not need it in its turn. */
  #checkPrerequisites(flag: string, given: FlagDefinition): void {
    const of = (key: string) => (key === flag ? given : this.#parts.desk.definitionOf(key));
    for (const { flag: other, variant } of notesOf(given.metadata).notes.prerequisites) {
      const variants = of(other)?.variants;
      if (!variants) throw invalid(flag, `there is no flag "${other}"`);
      if (!Object.hasOwn(variants, variant)) throw invalid(flag, `"${other}" has no variant "${variant}"`);
    }
    const circle = circleFrom(flag, (key) => prerequisitesOf(of(key)));
    if (circle) throw invalid(flag, `they lead in a circle: ${[...circle, flag].join(' -> ')}`);
  }
}

/** As a problem of a file is told. */
const invalid = (flag: string, what: string) =>
  new SegueError('FLAGS_INVALID', `${flag}.metadata.prerequisites: ${what}`);

function plainOverride(
  definition: FlagDefinition,
  to: Exclude<FlagChangeRequest['to'], { type: 'definition' | 'file' }>,
): Override {
  switch (to.type) {
    case 'variant':
      return { type: 'fixed', variant: to.variant };
    case 'shares':
      return { type: 'shares', shares: to.shares };
    case 'on':
    case 'off': {
      const variant = variantFor(definition, to.type);
      if (variant !== null) return { type: 'fixed', variant };
      if (to.type === 'off') return { type: 'disabled' };
      throw new SegueError(
        'FLAG_REFUSED',
        `It has no variant "on" and none that is true: name one with "segue flags set --variant".`,
      );
    }
  }
}

const unknown = (flag: string) => new SegueError('FLAG_UNKNOWN', flag);
