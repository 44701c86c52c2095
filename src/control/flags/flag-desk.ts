/**
 * Flags as they are in force: the definition files, and over them what was set at run time. A change is in the
 * journal with how it was before and after, and is undone by the number of its entry.
 */
import { SegueError } from '../../core/errors.ts';
import { AskerBook, askerIn, type Asker, type Askers } from '../../core/flags/askers.ts';
import type { FlagChange, PendingChange } from '../../core/flags/change.ts';
import { approversOf, type FlagChoices } from '../../core/flags/choices.ts';
import {
  type FlagDefinition,
  type FlagDefinitions,
  type FlagNotes,
  notesOf,
} from '../../core/flags/definition.ts';
import type { EdgeShares } from '../../core/flags/edge.ts';
import type { Context, Evaluation } from '../../core/flags/evaluation.ts';
import { FlagSet } from '../../core/flags/flag-set.ts';
import type { Trace } from '../../core/flags/logic.ts';
import { ownOf } from '../../core/flags/json.ts';
import { inForce, type Override, type Overrides } from '../../core/flags/override.ts';
import { lowestOf, raisedPercent } from '../../core/flags/raised.ts';
import { isSame, subjectOf } from '../../core/flags/rollout.ts';
import { markOf } from '../../core/flags/share.ts';
import type { FlagUsage } from '../../core/flags/usage.ts';
import { limits } from '../../core/limits.ts';
import type { Change } from '../../ports/store.ts';
import type { Ledger, Writing } from '../ledger.ts';
import type { ControlPorts } from '../ports.ts';
import { hashOf } from '../secrets.ts';
import { FlagCeilings } from './flag-ceilings.ts';
import { FlagFilesInForce, type FoundFlags } from './flag-files.ts';
import { FlagWriting } from './flag-writing.ts';
import { put, remembered } from './remembered.ts';
import { UsageKeeper } from './usage-keeper.ts';

const PENDING = 'flag-pending';
const KNOWN_SINCE = 'flag-known-since';
const ASKERS = 'flag-askers';

export interface Asked {
  readonly flag: string;
  readonly verb: FlagChange['verb'];
  /** Null: as the file says. */
  readonly override: Override | null;
  readonly by: string;
  readonly reason: string;
  readonly undoes: number | null;
  /** What has to be set when the write has its turn; left out: whatever it is. */
  readonly from?: Override | null;
  /** Whatever is in the way. */
  readonly anyway?: boolean;
  /** The release that asks for it. */
  readonly release?: string;
}

/** A step of a release of the flag. */
export interface RolledStep extends Omit<Asked, 'verb' | 'undoes'> {
  readonly release: string;
  readonly approvedBy: string | null;
  /** Whether it may be set from what it is when the write has its turn. */
  readonly may: (now: Override | null) => boolean;
}

/** `waiting`: it needs somebody else's word. */
export type Answer =
  | { readonly type: 'changed'; readonly number: number; readonly change: FlagChange }
  | { readonly type: 'waiting'; readonly pending: PendingChange };

export interface FlagDeskParts {
  readonly ports: ControlPorts;
  readonly ledger: Ledger;
  readonly choices: () => FlagChoices;
  readonly onFault: (error: unknown) => void;
}

export class FlagDesk {
  readonly #parts: FlagDeskParts;
  readonly #ledger: Ledger;
  readonly #files: FlagFilesInForce;
  readonly usage: UsageKeeper;
  readonly askers: AskerBook;
  readonly ceilings: FlagCeilings;
  readonly writing: FlagWriting;
  readonly #closed = new AbortController();
  readonly #listeners = new Set<() => void>();
  #set: FlagSet;
  #etag = '';
  #changedAtMs: number;
  #watched: { readonly dir: string; readonly end: AbortController } | null = null;

  constructor(parts: FlagDeskParts) {
    this.#parts = parts;
    this.#ledger = parts.ledger;
    this.#files = new FlagFilesInForce(parts.ports, parts.ledger);
    const { clock } = parts.ports;
    const { ledger, onFault } = parts;
    const keys = () => this.#set.keys;
    this.usage = new UsageKeeper({ ledger, clock, keys, beside: () => this.#newAskers(), onFault });
    this.askers = new AskerBook(remembered<Askers>(ledger, ASKERS, {}));
    this.ceilings = new FlagCeilings(ledger, this.askers);
    this.writing = new FlagWriting({
      ...{ ledger, ceilings: this.ceilings },
      inFile: (flag) => this.fileDefinitionOf(flag),
      now: (flag) => this.definitionOf(flag),
    });
    this.#changedAtMs = parts.ports.clock.nowMs();
    this.#set = new FlagSet({});
    this.#compile();
  }

  async start(): Promise<void> {
    await this.look();
    this.usage.start();
  }

  async close(): Promise<void> {
    this.#watched?.end.abort();
    this.#closed.abort();
    await this.usage.close();
  }

  get set(): FlagSet {
    return this.#set;
  }

  /** Of all definitions that are in force. */
  get etag(): string {
    return this.#etag;
  }

  get changedAtMs(): number {
    return this.#changedAtMs;
  }

  get found(): FoundFlags {
    return this.#files.flags;
  }

  get trouble(): readonly string[] {
    return this.#files.trouble;
  }

  get overrides(): Overrides {
    return this.writing.overrides;
  }

  overrideOf(flag: string): Override | null {
    return ownOf(this.overrides, flag) ?? null;
  }

  get pending(): readonly PendingChange[] {
    return remembered<readonly PendingChange[]>(this.#ledger, PENDING, []);
  }

  /** Of flags that are being rolled out: two of their variants are beside each other. */
  get shares(): EdgeShares {
    const found = Object.entries(this.overrides).flatMap(([flag, override]) => {
      if (override.type !== 'rolled' || override.percent >= 100) return [];
      const before = inForce(this.fileDefinitionOf(flag), override.before);
      const mark = before && markOf(before, override);
      const { release, to, percent } = override;
      return mark ? [[flag, { release, to, percent, mark }] as const] : [];
    });
    return Object.fromEntries(found);
  }

  usageOf(flag: string): FlagUsage | null {
    return this.usage.of(flag);
  }

  knownSinceMs(flag: string): number {
    return ownOf(this.#knownSince, flag) ?? this.#changedAtMs;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Reads the files again, now and whenever they change. */
  async look(): Promise<void> {
    const { dir } = this.#parts.choices();
    this.#watch(dir);
    if (await this.#files.look(dir, (next) => this.writing.heldBack(next))) await this.refresh();
  }

  evaluate(flag: string, context: Context, by: string, trace: Trace[] | null = null): Evaluation {
    const nowMs = this.#parts.ports.clock.nowMs();
    const evaluation = this.#set.evaluate(flag, context, nowMs, trace);
    const isKnown = evaluation.error?.code !== 'FLAG_NOT_FOUND';
    if (isKnown && trace === null) this.usage.count(flag, evaluation.variant, by);
    return evaluation;
  }

  /** Who asks for one flag has its code; who asks for all of them may have that of none. */
  hear(flag: string, context: Context): void {
    const asker = askerIn(context);
    if (asker && this.#set.flag(flag)) this.noteAsker(flag, asker);
  }

  noteAsker(flag: string, asker: Asker): void {
    const madeAtMs = (service: string, version: string) =>
      this.#ledger.version(service, version)?.keptAtMs ?? null;
    this.askers.note(flag, asker, madeAtMs);
  }

  definitionOf(flag: string): FlagDefinition | null {
    return this.#set.flag(flag)?.definition ?? null;
  }

  fileDefinitionOf(flag: string): FlagDefinition | null {
    return ownOf(this.found, flag)?.definition ?? null;
  }

  /** What `noteAsker` said, for a write. */
  askersNow(): Change {
    return put(ASKERS, this.askers.all(new Set(this.#set.keys)));
  }

  notesOf(flag: string): FlagNotes {
    return this.#set.flag(flag)?.notes ?? notesOf({}).notes;
  }

  lowestOf(flag: string): string | null {
    const definition = this.definitionOf(flag);
    return definition && lowestOf(definition, this.fileDefinitionOf(flag));
  }

  /** Percent of those who ask that may get more than its lowest variant. */
  raisedOf(flag: string): number {
    const definition = this.definitionOf(flag);
    return definition ? raisedPercent(definition, this.lowestOf(flag)) : 0;
  }

  /** Does it, or keeps it until somebody else has said yes. Turning a flag off never waits. */
  async ask(asked: Asked): Promise<Answer> {
    const approvers = asked.verb === 'off' ? null : approversOf(this.#parts.choices(), asked.flag);
    if (approvers === null) return this.#change(asked, null, () => []);
    const { flag, verb, override, by, reason, undoes, anyway, release, from } = asked;
    const askedAtMs = this.#parts.ports.clock.nowMs();
    const insists = { ...(anyway ? { anyway } : {}), ...(release === undefined ? {} : { release }) };
    const what = { flag, verb, by, reason, undoes, override, approvers, ...insists };
    const [entry] = await this.#ledger.write(() => {
      this.writing.refuse(asked);
      const { length } = this.pending;
      if (length >= limits.flags.pendingMax)
        throw new SegueError('FLAG_REFUSED', `${length} changes wait for approval already.`);
      return { facts: [{ kind: 'flag-asked', ...what }], changes: [] };
    });
    const expects = from === undefined ? {} : { from };
    const pending: PendingChange = { number: entry?.seq ?? 0, ...what, ...expects, askedAtMs };
    await this.#ledger.write(() => ({
      facts: [],
      changes: [put(PENDING, [...this.pending, pending])],
    }));
    return { type: 'waiting', pending };
  }

  async approve(number: number, by: string): Promise<Answer> {
    const pending = this.#waiting(number);
    if (pending.by === by)
      throw new SegueError('FLAG_REFUSED', `${by} asked for it; somebody else has to approve it.`);
    if (pending.approvers.length > 0 && !pending.approvers.includes(by))
      throw new SegueError('FLAG_REFUSED', `${by} may not approve it; ${pending.approvers.join(', ')} may.`);
    // Somebody else may say so at the same moment: it is done once.
    return this.#change(pending, by, () => {
      this.#waiting(number);
      return [
        put(
          PENDING,
          this.pending.filter((one) => one.number !== number),
        ),
      ];
    });
  }

  #waiting(number: number): PendingChange {
    const pending = this.pending.find((one) => one.number === number);
    if (pending) return pending;
    throw new SegueError('FLAG_CHANGE_UNKNOWN', `No change ${number} waits for approval.`);
  }

  /** False: somebody else has set the flag, and it is left as they did. */
  async roll({ release, approvedBy, may, ...step }: RolledStep): Promise<boolean> {
    const asked: Asked = { ...step, verb: 'rollout', release, undoes: null };
    const write = (): Writing | null => {
      const now = this.overrideOf(step.flag);
      if (isSame(now, step.override) || !may(now)) return null;
      return { ...this.writing.composed([asked], approvedBy), service: subjectOf(step.flag), release };
    };
    const entries = await this.#ledger.write(write);
    if (entries.length > 0) await this.refresh();
    return isSame(this.overrideOf(step.flag), step.override);
  }

  async #change(asked: Asked, approvedBy: string | null, also: () => Change[]): Promise<Answer> {
    const made: FlagChange[] = [];
    const entries = await this.#ledger.write(() => {
      const besides = also();
      const { facts, changes } = this.writing.composed([asked], approvedBy, made);
      return { facts, changes: [...changes, ...besides] };
    });
    await this.refresh();
    const [change] = made;
    const number = entries[0]?.seq;
    if (change === undefined || number === undefined)
      throw new SegueError('UNEXPECTED', 'the change was not written');
    return { type: 'changed', number, change };
  }

  /** Several in one write, with what else becomes true in it. Nobody is asked for an approval. */
  async apply(asked: readonly Asked[], about: Pick<Writing, 'service' | 'release'>, also: () => Change[]) {
    await this.#ledger.write(() => {
      const { facts, changes } = this.writing.composed(asked);
      return { ...about, facts, changes: [...changes, ...also()] };
    });
    await this.refresh();
  }

  /** Changes that wait for somebody's word in the name of this release: nobody can say it any more. */
  withoutPending(release: string): Change[] {
    const left = this.pending.filter((one) => one.release !== release);
    return left.length === this.pending.length ? [] : [put(PENDING, left)];
  }

  /** What was written is in force, and everybody is told. */
  async refresh(): Promise<void> {
    this.#changedAtMs = this.#parts.ports.clock.nowMs();
    this.#compile();
    for (const listener of this.#listeners) listener();
    await this.#rememberNew();
  }

  #compile(): void {
    const { overrides } = this;
    const keys = new Set([...Object.keys(this.found), ...Object.keys(overrides)]);
    const definitions: Record<string, FlagDefinition> = {};
    for (const key of keys) {
      const definition = inForce(this.fileDefinitionOf(key), ownOf(overrides, key) ?? null);
      if (definition) definitions[key] = this.#same(key, definition);
    }
    this.#set = new FlagSet(definitions, this.#set);
    this.#etag = hashOf(JSON.stringify(definitions satisfies FlagDefinitions)).slice(0, 16);
  }

  #same(key: string, definition: FlagDefinition): FlagDefinition {
    const known = this.definitionOf(key);
    return known && JSON.stringify(known) === JSON.stringify(definition) ? known : definition;
  }

  get #knownSince(): Readonly<Record<string, number>> {
    return remembered(this.#ledger, KNOWN_SINCE, {});
  }

  async #rememberNew(): Promise<void> {
    await this.#ledger.write(() => {
      const known = this.#knownSince;
      const keys = this.#set.keys;
      if (keys.every((key) => Object.hasOwn(known, key)) && keys.length === Object.keys(known).length)
        return null;
      const since = keys.map((key) => [key, ownOf(known, key) ?? this.#changedAtMs] as const);
      return { facts: [], changes: [put(KNOWN_SINCE, Object.fromEntries(since))] };
    });
  }

  #watch(dir: string): void {
    if (this.#watched?.dir === dir || this.#closed.signal.aborted) return;
    this.#watched?.end.abort();
    const end = new AbortController();
    this.#watched = { dir, end };
    const changed = () => void this.look().catch((error: unknown) => this.#parts.onFault(error));
    this.#parts.ports.flagSource.watch(dir, changed, end.signal);
  }

  #newAskers(): Change[] {
    if (!this.askers.changed) return [];
    this.askers.changed = false;
    return [this.askersNow()];
  }
}
