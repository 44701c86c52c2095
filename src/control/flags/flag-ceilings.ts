/** What is known of how far flags may be raised (F1): who has their code, where requests go, how far the schema is. */
import type { AskerBook } from '../../core/flags/askers.ts';
import { namesFlag } from '../../core/flags/choices.ts';
import { type Ceiling, ceilingOf, type FlagCode } from '../../core/flags/ceiling.ts';
import { type FlagDefinition, type FlagNotes, notesOf } from '../../core/flags/definition.ts';
import { lowestOf, raisedPercent } from '../../core/flags/raised.ts';
import { isWorker } from '../../core/project.ts';
import type { Reach } from '../../core/release/schema.ts';
import type { Rotation } from '../../core/traffic/rotation.ts';
import { type VersionShare, versionShares, workerShares } from '../../core/traffic/version-shares.ts';
import { memoryOf } from '../database/memory.ts';
import type { Ledger } from '../ledger.ts';

/** A version that has the code, and whether its metadata names it. */
interface Since {
  readonly service: string;
  readonly version: string;
  readonly declared: boolean;
}

export class FlagCeilings {
  readonly #ledger: Ledger;
  readonly #askers: AskerBook;

  constructor(ledger: Ledger, askers: AskerBook) {
    this.#ledger = ledger;
    this.#askers = askers;
  }

  /** Why the flag may not become so; null: it may, or it is no raise. */
  trouble(
    flag: string,
    before: FlagDefinition | null,
    after: FlagDefinition | null,
    file: FlagDefinition | null,
  ): string | null {
    if (after === null) return null;
    const lowest = lowestOf(after, file);
    const percent = raisedPercent(after, lowest);
    if (before !== null && percent <= raisedPercent(before, lowestOf(before, file))) return null;
    const ceiling = this.ceiling(flag, notesIn(after, before), percent);
    if (ceiling.type === 'allowed') return null;
    const may = ceiling.type === 'limited' ? `may be at ${ceiling.percent}% at most` : 'may not be raised';
    return `${flag} would be at ${percent}%, and ${may} now: ${ceiling.why}.`;
  }

  ceiling(flag: string, notes: FlagNotes, percent: number): Ceiling {
    const { needs } = notes;
    return ceilingOf({
      percent,
      code: this.codeOf(flag, notes),
      needs: needs === null ? null : { change: needs, reach: this.reachOf(needs) },
    });
  }

  reachOf(change: string): Reach | null {
    return memoryOf(this.#ledger).changes.find(({ name }) => name === change)?.reach ?? null;
  }

  /** Of one service or of all that have it. `rotation`: as if this were in force for the service. */
  codeOf(flag: string, notes: FlagNotes, rotations: Readonly<Record<string, Rotation>> = {}): FlagCode[] {
    return this.#sinceOf(flag, notes).map(({ service, version, declared }) => ({
      service,
      versions: this.#versionsFrom(service, version, notes.without),
      since: declared ? version : null,
      traffic: this.#trafficOf(service, rotations[service]),
    }));
  }

  /** What the file says goes before what was seen. */
  #sinceOf(flag: string, { release }: FlagNotes): Since[] {
    if (release) return [{ ...release, declared: true }];
    const asked = this.#askers.of(flag).filter(({ service }) => !this.#isTold(service, flag));
    return asked.map((asker) => ({ ...asker, declared: false }));
  }

  /** Its instances need not ask: the gateway tells them, and who has the code cannot be seen. */
  #isTold(service: string, flag: string): boolean {
    const { stable } = this.#ledger.service(service);
    const spec = stable === null ? undefined : this.#ledger.version(service, stable)?.spec;
    const told = spec && !isWorker(spec) ? spec.traffic.flags : null;
    return told ? namesFlag(told.names, flag) : false;
  }

  /** That version, and those made after it. */
  #versionsFrom(service: string, since: string, without: readonly string[]): string[] {
    const first = this.#ledger.version(service, since);
    if (!first) return [];
    return this.#ledger
      .versionsOf(service)
      .filter(({ version, keptAtMs }) => version === since || keptAtMs > first.keptAtMs)
      .map(({ version }) => version)
      .filter((version) => !without.includes(version));
  }

  #trafficOf(service: string, asked?: Rotation): VersionShare[] {
    const versionOf = (id: string) => this.#ledger.instance(id)?.version;
    const { rotation, stable } = this.#ledger.service(service);
    const spec = stable === null ? undefined : this.#ledger.version(service, stable)?.spec;
    if (!spec || !isWorker(spec)) return versionShares(asked ?? rotation, versionOf);
    const instances = this.#ledger.instances.filter((each) => each.service === service);
    return workerShares(instances.map(({ version }) => version));
  }
}

/** A definition that says nothing of its code does not end what was known of it. */
function notesIn(after: FlagDefinition, before: FlagDefinition | null): FlagNotes {
  const notes = notesOf(after.metadata).notes;
  if (before === null) return notes;
  const { release, needs, without } = notesOf(before.metadata).notes;
  return notes.release === null && notes.needs === null ? { ...notes, release, needs, without } : notes;
}
