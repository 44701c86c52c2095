/**
 * Flags as they are in force: the definition files, and over them what was set at run time. A change is in the
 * journal with how it was before and after, and is undone by the number of its entry.
 */
import { SegueError } from '../../core/errors.ts';
import type { FlagChange, FlagState, PendingChange } from '../../core/flags/change.ts';
import { approversOf, type FlagChoices } from '../../core/flags/choices.ts';
import type { FlagDefinition, FlagDefinitions } from '../../core/flags/definition.ts';
import type { EdgeShares } from '../../core/flags/edge.ts';
import type { Context, Evaluation } from '../../core/flags/evaluation.ts';
import { FlagSet } from '../../core/flags/flag-set.ts';
import type { Trace } from '../../core/flags/logic.ts';
import { inForce, type Override, type Overrides } from '../../core/flags/override.ts';
import { isSame, subjectOf } from '../../core/flags/rollout.ts';
import { markOf } from '../../core/flags/share.ts';
import type { FlagUsage } from '../../core/flags/usage.ts';
import { limits } from '../../core/limits.ts';
import type { Ledger, Writing } from '../ledger.ts';
import type { ControlPorts } from '../ports.ts';
import { hashOf } from '../secrets.ts';
import { FlagFilesInForce, type FoundFlags } from './flag-files.ts';
import { UsageKeeper } from './usage-keeper.ts';

const OVERRIDES = 'flag-overrides';
const PENDING = 'flag-pending';
const KNOWN_SINCE = 'flag-known-since';

export interface Asked {
  readonly flag: string;
  readonly verb: FlagChange['verb'];
  /** Null: as the file says. */
  readonly override: Override | null;
  readonly by: string;
  readonly reason: string;
  readonly undoes: number | null;
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
    this.usage = new UsageKeeper({ ledger, clock, keys: () => this.#set.keys, onFault });
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
    return this.#remembered<Overrides>(OVERRIDES, {});
  }

  get pending(): readonly PendingChange[] {
    return this.#remembered<readonly PendingChange[]>(PENDING, []);
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
    return this.#remembered<Readonly<Record<string, number>>>(KNOWN_SINCE, {})[flag] ?? this.#changedAtMs;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Reads the files again, now and whenever they change. */
  async look(): Promise<void> {
    const { dir } = this.#parts.choices();
    this.#watch(dir);
    if (await this.#files.look(dir)) await this.#changed();
  }

  evaluate(flag: string, context: Context, by: string, trace: Trace[] | null = null): Evaluation {
    const nowMs = this.#parts.ports.clock.nowMs();
    const evaluation = this.#set.evaluate(flag, context, nowMs, trace);
    const isKnown = evaluation.error?.code !== 'FLAG_NOT_FOUND';
    if (isKnown && trace === null) this.usage.count(flag, evaluation.variant, by);
    return evaluation;
  }

  definitionOf(flag: string): FlagDefinition | null {
    return this.#set.flag(flag)?.definition ?? null;
  }

  fileDefinitionOf(flag: string): FlagDefinition | null {
    return this.found[flag]?.definition ?? null;
  }

  /** Does it, or keeps it until somebody else has said yes. Turning a flag off never waits. */
  async ask(asked: Asked): Promise<Answer> {
    const approvers = asked.verb === 'off' ? null : approversOf(this.#parts.choices(), asked.flag);
    if (approvers === null) return this.#change(asked, null);
    this.#refuseRolled(asked);
    const { flag, verb, override, by, reason, undoes } = asked;
    const askedAtMs = this.#parts.ports.clock.nowMs();
    const known = this.pending;
    if (known.length >= limits.flags.pendingMax)
      throw new SegueError('FLAG_REFUSED', `${known.length} changes wait for approval already.`);
    const what = { flag, verb, by, reason, undoes, override, approvers };
    const [entry] = await this.#ledger.write(() => ({
      facts: [{ kind: 'flag-asked', ...what }],
      changes: [],
    }));
    const pending: PendingChange = { number: entry?.seq ?? 0, ...what, askedAtMs };
    await this.#ledger.write(() => ({
      facts: [],
      changes: [this.#put(PENDING, [...this.pending, pending])],
    }));
    return { type: 'waiting', pending };
  }

  async approve(number: number, by: string): Promise<Answer> {
    const pending = this.pending.find((one) => one.number === number);
    if (!pending) throw new SegueError('FLAG_CHANGE_UNKNOWN', `No change ${number} waits for approval.`);
    if (pending.by === by)
      throw new SegueError('FLAG_REFUSED', `${by} asked for it; somebody else has to approve it.`);
    if (pending.approvers.length > 0 && !pending.approvers.includes(by))
      throw new SegueError('FLAG_REFUSED', `${by} may not approve it; ${pending.approvers.join(', ')} may.`);
    const rest = this.pending.filter((one) => one.number !== number);
    return this.#change(pending, by, rest);
  }

  /** False: somebody else has set the flag, and it is left as they did. */
  async roll({ release, approvedBy, may, ...step }: RolledStep): Promise<boolean> {
    const asked: Asked = { ...step, verb: 'rollout', undoes: null };
    const write = (): Writing | null => {
      const now = this.overrides[step.flag] ?? null;
      if (isSame(now, step.override) || !may(now)) return null;
      const { fact, changes } = this.#changeOf(asked, approvedBy);
      const service = subjectOf(step.flag);
      return { facts: [{ kind: 'flag-changed', ...fact, release }], changes, service, release };
    };
    const entries = await this.#ledger.write(write);
    if (entries.length > 0) await this.#changed();
    return isSame(this.overrides[step.flag] ?? null, step.override);
  }

  async #change(asked: Asked, approvedBy: string | null, pending = this.pending): Promise<Answer> {
    const made: { change: FlagChange | null } = { change: null };
    const entries = await this.#ledger.write(() => {
      this.#refuseRolled(asked);
      const { fact, changes } = this.#changeOf(asked, approvedBy);
      made.change = fact;
      return {
        facts: [{ kind: 'flag-changed', ...fact }],
        changes: [...changes, this.#put(PENDING, pending)],
      };
    });
    await this.#changed();
    const number = entries[0]?.seq;
    if (made.change === null || number === undefined)
      throw new SegueError('UNEXPECTED', 'the change was not written');
    return { type: 'changed', number, change: made.change };
  }

  #changeOf({ flag, verb, by, reason, undoes, override }: Asked, approvedBy: string | null) {
    const { [flag]: earlier = null, ...others } = this.overrides;
    const next: Overrides = override === null ? others : { ...others, [flag]: override };
    const before = this.#stateOf(flag, earlier);
    const after = this.#stateOf(flag, override);
    const fact: FlagChange = { flag, verb, by, reason, approvedBy, undoes, before, after };
    return { fact, changes: [this.#put(OVERRIDES, next)] };
  }

  /** While it is rolled out it may be turned off, and nothing else: two who set it would undo each other. */
  #refuseRolled({ flag, verb }: Asked): void {
    const { activeRelease } = this.#ledger.service(subjectOf(flag));
    if (activeRelease === null || verb === 'off') return;
    throw new SegueError(
      'FLAG_REFUSED',
      `${activeRelease} rolls it out. Take that back first: segue abort ${subjectOf(flag)}; or turn it off: segue flags off ${flag}.`,
    );
  }

  #stateOf(flag: string, override: Override | null): FlagState {
    return { override, definition: inForce(this.fileDefinitionOf(flag), override) };
  }

  async #changed(): Promise<void> {
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
      const definition = inForce(this.fileDefinitionOf(key), overrides[key] ?? null);
      if (definition) definitions[key] = this.#same(key, definition);
    }
    this.#set = new FlagSet(definitions, this.#set);
    this.#etag = hashOf(JSON.stringify(definitions satisfies FlagDefinitions)).slice(0, 16);
  }

  #same(key: string, definition: FlagDefinition): FlagDefinition {
    const known = this.definitionOf(key);
    return known && JSON.stringify(known) === JSON.stringify(definition) ? known : definition;
  }

  async #rememberNew(): Promise<void> {
    const known = this.#remembered<Readonly<Record<string, number>>>(KNOWN_SINCE, {});
    const keys = this.#set.keys;
    if (keys.every((key) => Object.hasOwn(known, key)) && keys.length === Object.keys(known).length) return;
    const since = Object.fromEntries(keys.map((key) => [key, known[key] ?? this.#changedAtMs]));
    await this.#ledger.write(() => ({ facts: [], changes: [this.#put(KNOWN_SINCE, since)] }));
  }

  #watch(dir: string): void {
    if (this.#watched?.dir === dir || this.#closed.signal.aborted) return;
    this.#watched?.end.abort();
    const end = new AbortController();
    this.#watched = { dir, end };
    const changed = () => void this.look().catch((error: unknown) => this.#parts.onFault(error));
    this.#parts.ports.flagSource.watch(dir, changed, end.signal);
  }

  #put(key: string, value: unknown) {
    return { put: 'setting', key, value: JSON.stringify(value) } as const;
  }

  #remembered<T>(key: string, nothing: T): T {
    const text = this.#ledger.setting(key);
    const isOurs = (value: unknown): value is T => typeof value === 'object' && value !== null;
    const value: unknown = text === undefined ? nothing : JSON.parse(text);
    // Only this class writes it.
    return isOurs(value) ? value : nothing;
  }
}
