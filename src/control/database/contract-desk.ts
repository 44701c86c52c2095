/**
 * Contracts: each its own act, long after the release that brought the change (R6). Looks again and again at
 * everything that could need the old schema; when nothing does for as long as the user wants, or a person says so,
 * what only older versions used is taken away. An older version that comes back makes the time begin anew.
 */
import type { Phase } from '../../core/database/phase.ts';
import type { ChangeState } from '../../core/database/runner.ts';
import { SegueError, toErrorRecord } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import {
  clientName,
  type ContractRecord,
  nextOfContract,
  triedAgainAtMs,
} from '../../core/release/contract.ts';
import { describeHalfway, type NeededBy } from '../../core/release/contract-standing.ts';
import type { Word } from '../../core/release/gate.ts';
import type { Fact } from '../../core/release/journal.ts';
import { Turns } from '../../core/turns.ts';
import type { Clock } from '../../ports/clock.ts';
import type { TrafficPlane } from '../../ports/traffic-plane.ts';
import type { ContractStatus } from '../../wire/database-api.ts';
import type { Ledger } from '../ledger.ts';
import { contractOf, memoryOf, memorySetting, withContract } from './memory.ts';
import { connectedNeeds, FirstSeen, knownNeeds } from './needs.ts';
import type { SchemaDesk } from './schema-desk.ts';
import type { SchemaWork } from './schema-work.ts';

export interface ContractParts {
  readonly clock: Clock;
  readonly plane: Pick<TrafficPlane, 'report'>;
  readonly ledger: Ledger;
  readonly desk: SchemaDesk;
  readonly work: Pick<SchemaWork, 'contract'>;
  /** Flags that need the change, in a person's words: each can still be turned off, and what it did before comes back. */
  readonly flags: (change: string) => readonly string[];
}

const CONTRACTS = 'contracts';

const OPEN: ReadonlySet<Phase> = new Set(['ready', 'contracting', 'contracted', 'restoring'] as const);

export class ContractDesk {
  readonly #parts: ContractParts;
  readonly #turns = new Turns();
  readonly #closing = new AbortController();
  readonly #firstSeen = new FirstSeen();
  #coming: readonly Required<ContractStatus>[] = [];
  #trouble: string | null = null;

  constructor(parts: ContractParts) {
    this.#parts = parts;
  }

  get coming(): readonly Required<ContractStatus>[] {
    const memory = memoryOf(this.#parts.ledger);
    return this.#coming.map((each) => {
      const { begun, failed } = contractOf(memory, each.change);
      return { ...each, underWay: begun && failed === null };
    });
  }

  /** Why it could not be looked at; null: it could. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Runs until `close`. Never rejects. */
  async run(): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#turns
        .take(CONTRACTS, () => this.#round())
        .then(
          () => (this.#trouble = null),
          (error: unknown) => (this.#trouble = toErrorRecord(error).detail),
        );
      await clock.sleep(limits.schema.contractIntervalMs, signal).catch(() => undefined);
    }
  }

  close(): void {
    this.#closing.abort(new Error('control ends'));
  }

  /** A person's word: now, or not at all. Throws CONTRACT_REFUSED with all that is in the way. */
  ask(change: string, now: boolean, { by, reason }: Word): Promise<void> {
    return this.#turns.take(CONTRACTS, async () => {
      const states = await this.#open();
      const state = states.find(({ name }) => name === change);
      if (!state) throw new SegueError('CHANGE_ORDER', `There is nothing to contract of ${change}.`);
      const [first] = states.filter(({ phase }) => phase !== 'contracted');
      const before = state.phase === 'contracted' ? state : (first ?? state);
      if (before.phase === 'restoring')
        throw new SegueError(
          'CHANGE_ORDER',
          `The contract of ${before.name} is ${describeHalfway(before.name)}.`,
        );
      if (before !== state) throw new SegueError('CHANGE_ORDER', `${before.name} comes first.`);
      const needs = await this.#needs(change);
      if (needs.length > 0) throw refusal(change, wordsOf(needs));
      await this.#write(change, { word: { by, reason } }, { kind: 'contract-asked', change, by, reason });
      await this.#contract(state, now);
    });
  }

  /** Those that can be contracted, or whose kept part can go, in their order, with those that keep others waiting. */
  async #open(): Promise<readonly ChangeState[]> {
    const seen = await this.#parts.desk.look();
    if (!seen) throw new SegueError('DATABASE_NOT_CONFIGURED');
    return seen.states.filter(({ phase }) => OPEN.has(phase));
  }

  async #round(): Promise<void> {
    const { ledger, desk } = this.#parts;
    const { choice } = desk;
    const open = memoryOf(ledger).changes.some(({ reach }) => reach === 'filled' || reach === 'contracted');
    if (choice === null || !open) {
      this.#coming = [];
      return;
    }
    const coming: Required<ContractStatus>[] = [];
    let waits = false;
    for (const state of await this.#open()) {
      // Whoever takes it back ends that, and later ones wait for it.
      if (state.phase === 'restoring') {
        waits = true;
        continue;
      }
      const { contract } = choice;
      const [neededBy, done] = await this.#attend(state, waits, contract.afterMs);
      // They run in their order; what is kept of those before is in nobody's way.
      if (state.phase !== 'contracted' && !done) waits = true;
      if (done) continue;
      const { freeSinceMs, againSinceMs, failed } = contractOf(memoryOf(ledger), state.name);
      const { name: change, keptUntilMs } = state;
      const after = contract.afterMs;
      const dueAtMs =
        freeSinceMs === null || after === null ? null : Math.max(freeSinceMs + after, keptUntilMs ?? 0);
      const times = { keptUntilMs, freeSinceMs, againSinceMs, dueAtMs };
      const failure = failed && { error: failed.error, againAtMs: triedAgainAtMs(failed) };
      coming.push({ change, ...times, underWay: false, failed: failure, neededBy, by: wordsOf(neededBy) });
    }
    this.#coming = coming;
  }

  /** What still needs the old schema, and whether the contract was made. */
  async #attend(
    state: ChangeState,
    waits: boolean,
    afterMs: number | null,
  ): Promise<[readonly NeededBy[], boolean]> {
    const { ledger, clock } = this.#parts;
    const { name: change, keptUntilMs } = state;
    const nowMs = clock.nowMs();
    const needs = this.#firstSeen.dated(change, await this.#needs(change), nowMs);
    const by = wordsOf(needs);
    // It failed while nobody could say how far it came: this look does.
    const { begun, failed } = contractOf(memoryOf(ledger), change);
    if (begun && failed !== null) await this.#write(change, { begun: false });
    const record = contractOf(memoryOf(ledger), change);
    const next = nextOfContract(record, by, nowMs, afterMs);
    if (next.do === 'free')
      await this.#write(
        change,
        { freeSinceMs: nowMs, againSinceMs: null },
        { kind: 'contract-free', change },
      );
    if (next.do === 'held')
      await this.#write(
        change,
        { freeSinceMs: null, againSinceMs: nowMs, begun: false },
        { kind: 'contract-held', change, by },
      );
    const isKept = keptUntilMs !== null && nowMs < keptUntilMs;
    // It was done, and that could not be written, or not be seen.
    if (record.begun && isKept)
      await this.#write(change, { begun: false }, { kind: 'contract-done', change, kept: true });
    if (next.do !== 'contract' || waits || isKept) return [needs, false];
    // What fails is in the journal, and waits for a person.
    return [
      needs,
      await this.#contract(state, false).then(
        () => true,
        () => false,
      ),
    ];
  }

  /**
   * Everything that could need the old schema. Connections that cannot be looked at are an error, and no contract (R8),
   * unless there is something in the way already.
   */
  async #needs(change: string): Promise<readonly NeededBy[]> {
    const { desk, ledger } = this.#parts;
    const { choice } = desk;
    if (choice === null) throw new SegueError('DATABASE_NOT_CONFIGURED');
    const known = this.#known(change);
    const asked = desk.asked(choice, (runner) => runner.clients());
    // An instance that is named already need not be named once more by its connections.
    const named = new Set(
      known.length > 0 ? ledger.instances.map((each) => clientName(each.service, each.version, each.id)) : [],
    );
    const all = known.length > 0 ? await asked.catch(() => []) : await asked;
    const clients = all.filter(({ name }) => !named.has(name));
    const versions = ledger.versions.filter(({ changes }) => changes?.includes(change) ?? false);
    return [...known, ...connectedNeeds(clients, versions, choice.contract.clients)];
  }

  #known(change: string): NeededBy[] {
    const { ledger, plane, desk } = this.#parts;
    const flags = this.#parts
      .flags(change)
      .map((what): NeededBy => ({ seenIn: 'journal', what, sinceMs: null }));
    return [...knownNeeds(ledger, plane.report(), (service) => desk.uses(service), change), ...flags];
  }

  /** The intent is written from what is true in its turn: no release of an older version begins after it. */
  async #contract({ name: change }: ChangeState, now: boolean): Promise<void> {
    const { clock, ledger, work, desk } = this.#parts;
    let held: readonly string[] = [];
    await ledger.write(() => {
      held = wordsOf(this.#known(change));
      if (held.length > 0) return null;
      const memory = withContract(memoryOf(ledger), change, { begun: true, failed: null });
      return { facts: [{ kind: 'contract-begun', change }], changes: [memorySetting(memory)] };
    });
    if (held.length > 0) throw refusal(change, held);
    try {
      await work.contract(change, now, this.#closing.signal);
    } catch (error) {
      // It was not of the contract's making that it ended: the next control goes on with it.
      this.#closing.signal.throwIfAborted();
      const failed = { atMs: clock.nowMs(), error: toErrorRecord(error) };
      // Until it is known how far it came, nothing older may come back.
      const isKnown = await desk.look().then(
        () => true,
        () => false,
      );
      const fact = { kind: 'contract-failed', change, error: failed.error } as const;
      await this.#write(change, { begun: !isKnown, failed }, fact);
      throw error;
    }
    const seen = await desk.look().catch(() => null);
    // It is done; what is kept of it is for the next round to say.
    if (seen === null) return;
    const kept = seen.states.find(({ name }) => name === change)?.phase === 'contracted';
    await this.#write(change, { begun: false }, { kind: 'contract-done', change, kept });
  }

  async #write(change: string, record: Partial<ContractRecord>, fact?: Fact): Promise<void> {
    const { ledger } = this.#parts;
    await ledger.write(() => {
      const memory = withContract(memoryOf(ledger), change, record);
      return { facts: fact ? [fact] : [], changes: [memorySetting(memory)] };
    });
  }
}

const wordsOf = (needs: readonly NeededBy[]) => needs.map(({ what }) => what);

function refusal(change: string, holders: readonly string[]): SegueError {
  const shown = holders.slice(0, limits.schema.clientsShown);
  const more = holders.length - shown.length;
  const list = [...shown, ...(more > 0 ? [`and ${more} more`] : [])].map((each) => `  ${each}`);
  return new SegueError('CONTRACT_REFUSED', [`${change} is needed as it was:`, ...list].join('\n'));
}
