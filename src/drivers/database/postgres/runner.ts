/** The changes of one database: what is asked, checked against the journal, carried out under the lease. */
import type { Change } from '../../../core/database/change.ts';
import { compile, tablesOf } from '../../../core/database/compile.ts';
import type { Facts } from '../../../core/database/facts.ts';
import { comesBack } from '../../../core/database/kept.ts';
import { type Act, mustBeAllowed, type Placed } from '../../../core/database/phase.ts';
import type { ChangeRunner, Order, PlannedStep, Status, Watch } from '../../../core/database/runner.ts';
import type { Compiled } from '../../../core/database/step.ts';
import type { DatabaseClient } from '../../../core/release/contract.ts';
import { SegueError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { DatabaseOptions } from '../../../ports/database.ts';
import { beginJobs, jobsDone, runJob } from './backfill.ts';
import { connectedClients } from './clients.ts';
import type { Connections, Session, Settings } from './connection.ts';
import { failureOf } from './failure.ts';
import { readFacts, readSchemaLines } from './facts.ts';
import {
  createJournal,
  enterPhase,
  forgetContract,
  forgetSteps,
  hasJournal,
  keepChange,
  keepSchemaLines,
  keptChanges,
  type Kept,
  keptSchemaLines,
  orderJobs,
  record,
} from './journal.ts';
import { type Holder, Lease } from './lease.ts';
import { plannedSteps } from './planned.ts';
import { mustBeAllowedHere } from './rights.ts';
import type { RunContext } from './run-context.ts';
import { settleAll } from './settle.ts';
import { readStatus } from './status.ts';
import { readPatiently, runSteps } from './steps.ts';

const { lockTimeoutMs, lockWaitMs, leaseWaitMs } = limits.database;

export interface RunnerParts {
  readonly connections: Connections;
  readonly clock: Clock;
  readonly chance: () => number;
  readonly holder: Holder;
  readonly options: DatabaseOptions;
}

/** An empty search_path: what the catalog says then names every schema. */
const CATALOG: Settings = { lockTimeoutMs, searchPath: 'pg_catalog' };

export class PostgresRunner implements ChangeRunner {
  readonly #parts: RunnerParts;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  async status(changes: readonly Change[], { drift } = { drift: true }): Promise<Status> {
    return this.#say('status', () => readStatus(this.#parts.connections, CATALOG, changes, drift));
  }

  async plan(change: Change): Promise<readonly PlannedStep[]> {
    return this.#say(change.name, async () => plannedSteps(await this.#compiled(change), comesBack(change)));
  }

  async check(changes: readonly Change[]): Promise<void> {
    const { connections } = this.#parts;
    await this.#say('check', () =>
      connections.transaction(CATALOG, (session) => mustBeAllowedHere(session, changes)),
    );
  }

  async expand(changes: readonly Change[], name: string, watch: Watch = {}): Promise<void> {
    await this.#act('expand', changes, name, watch, async (context, { change, compiled, facts, kept }) => {
      const { connections } = context;
      if (!kept || kept.phase === 'reverted')
        await connections.transaction({ lockTimeoutMs }, async (session) => {
          await context.lease.check(session);
          if (kept) await forgetSteps(session, name);
          await keepChange(session, change, 'expanding', facts);
        });
      await runSteps(context, 'expand', compiled.expand);
      await this.#enter(context, 'expanded', ['expanding']);
    });
  }

  async backfill(changes: readonly Change[], name: string, watch: Watch = {}): Promise<void> {
    await this.#act('backfill', changes, name, watch, async (context, { compiled }) => {
      if (!watch.goesOn) await beginJobs(context);
      for (const job of compiled.jobs) await runJob(context, job);
      await settleAll(context, compiled.pending);
      await runSteps(context, 'seal', compiled.seal);
      await this.#enter(context, 'ready', ['expanded']);
    });
  }

  async contract(
    changes: readonly Change[],
    name: string,
    { now }: { now: boolean },
    watch: Watch = {},
  ): Promise<void> {
    await this.#act('contract', changes, name, watch, async (context, { change, compiled, kept }) => {
      if (!(await jobsDone(context, compiled.jobs)))
        throw new SegueError('CHANGE_ORDER', `The backfill of ${name} is not done.`);
      await settleAll(context, compiled.pending);
      if (kept?.phase === 'ready') await this.#enter(context, 'contracting', ['ready']);
      await runSteps(context, 'contract', compiled.contract);
      await this.#enter(context, 'contracted', ['contracting']);
      const since = kept?.contractedAtMs ?? this.#parts.clock.nowMs();
      const over = this.#parts.clock.nowMs() - since >= change.keepMs;
      if (!now && !over && compiled.finish.length > 0) return;
      await runSteps(context, 'finish', compiled.finish);
      await this.#enter(context, 'finished', ['contracted']);
    });
  }

  async restore(changes: readonly Change[], name: string, watch: Watch = {}): Promise<void> {
    await this.#act('restore', changes, name, watch, async (context, { compiled, kept }) => {
      if (kept?.phase === 'ready') return;
      if (compiled.bound.length > 0)
        throw new SegueError('CHANGE_IMPOSSIBLE', `${name} is ${kept?.phase}: ${compiled.bound.join('; ')}.`);
      await settleAll(context, compiled.pending);
      await this.#enter(context, 'restoring', ['contracting', 'contracted']);
      await runSteps(context, 'restore', compiled.restore);
      const forget = async (session: Session) => {
        await context.lease.check(session);
        await forgetContract(session, name, compiled.standing);
        await enterPhase(session, name, 'ready');
        await this.#keepLines(session);
      };
      await readPatiently(context, [], () => this.#parts.connections.transaction({ lockTimeoutMs }, forget));
    });
  }

  async revert(
    changes: readonly Change[],
    name: string,
    { dropData }: { dropData: boolean },
    watch: Watch = {},
  ): Promise<void> {
    await this.#act('revert', changes, name, watch, async (context, { compiled, kept }) => {
      if (kept?.phase === 'reverted') return;
      // What only fills rows and waits for its contract has made nothing that could be taken away.
      const made = kept?.change.body.form === 'sql' && compiled.expand.length > 0;
      if (made && compiled.revert.length === 0)
        throw new SegueError('CHANGE_IMPOSSIBLE', `${name} has no revert.sql.`);
      if (!dropData) await this.#mustLoseNothing(name, compiled);
      await settleAll(context, compiled.pending);
      await this.#enter(context, 'reverting', [
        'expanding',
        'expanded',
        'ready',
        'contracting',
        'contracted',
        'restoring',
      ]);
      await runSteps(context, 'revert', compiled.revert);
      const forget = async (session: Session) => {
        await context.lease.check(session);
        await forgetSteps(session, name);
        await enterPhase(session, name, 'reverted');
        await this.#keepLines(session);
      };
      await readPatiently(context, [], () => this.#parts.connections.transaction({ lockTimeoutMs }, forget));
    });
  }

  async order(name: string, order: Order): Promise<void> {
    const { connections } = this.#parts;
    await this.#say(name, async () => {
      if (!(await hasJournal(connections)) || !(await orderJobs(connections, name, order)))
        throw new SegueError('CHANGE_UNKNOWN', `No backfill of ${name} is under way.`);
    });
  }

  async adopt(made: readonly Change[]): Promise<void> {
    const { connections } = this.#parts;
    await this.#say('adopt', async () => {
      await this.#prepare(true);
      const lease = await this.#lease({});
      try {
        const placed = new Map((await keptChanges(connections)).map((kept) => [kept.name, kept.phase]));
        await connections.transaction({ lockTimeoutMs }, async (session) => {
          await lease.check(session);
          for (const change of made) {
            const phase = placed.get(change.name);
            if (phase !== undefined && phase !== 'adopted')
              throw new SegueError('CHANGE_ORDER', `${change.name} is ${phase} and was made by Segue.`);
            await keepChange(session, change, 'adopted', {});
          }
          await this.#keepLines(session);
          await record(session, null, 'adopted');
        });
      } finally {
        await lease.release();
      }
    });
  }

  async clients(): Promise<readonly DatabaseClient[]> {
    return this.#say('clients', () => connectedClients(this.#parts.connections));
  }

  async close(): Promise<void> {
    await this.#parts.connections.close();
  }

  async #act(
    act: Act,
    changes: readonly Change[],
    name: string,
    watch: Watch,
    work: (context: RunContext, known: Known) => Promise<void>,
  ): Promise<void> {
    const { connections, clock, chance, options } = this.#parts;
    await this.#say(name, async () => {
      await this.#prepare(false);
      const lease = await this.#lease(watch);
      try {
        const context: RunContext = {
          ...{ connections, clock, chance, lease, change: name, watch },
          lockTimeoutMs: options.lockTimeoutMs ?? lockTimeoutMs,
          lockWaitMs: options.lockWaitMs ?? lockWaitMs,
        };
        const known = await this.#known(context, act, changes);
        await work(context, known);
      } finally {
        await lease.release();
      }
    });
  }

  /** What the change says: for one that has begun, what it said then, which has to be what it says now. */
  async #known(context: RunContext, act: Act, changes: readonly Change[]): Promise<Known> {
    const name = context.change;
    const all = await keptChanges(this.#parts.connections);
    const kept = all.find((each) => each.name === name);
    const file = changes.find((each) => each.name === name);
    mustBeAllowed(act, name, placesOf(changes, all));
    const again = act === 'expand' && (!kept || kept.phase === 'reverted');
    if (again) {
      if (!file) throw new SegueError('CHANGE_UNKNOWN', `"${name}" was asked for.`);
      const facts = await readPatiently(context, tablesOf(file), () => this.#facts(file));
      return { change: file, facts, compiled: compile(file, facts), kept };
    }
    if (!kept) throw new SegueError('CHANGE_UNKNOWN', `"${name}" was asked for.`);
    // The way back needs no file: the journal knows what was done.
    if (file && file.digest !== kept.digest && act !== 'revert' && act !== 'restore')
      throw new SegueError('CHANGE_EDITED', `${name} is ${kept.phase}.`);
    return { change: kept.change, facts: kept.facts, compiled: compile(kept.change, kept.facts), kept };
  }

  async #compiled(change: Change): Promise<Compiled> {
    const { connections } = this.#parts;
    const all = (await hasJournal(connections)) ? await keptChanges(connections) : [];
    const kept = all.find(({ name, phase }) => name === change.name && phase !== 'reverted');
    return kept ? compile(kept.change, kept.facts) : compile(change, await this.#facts(change));
  }

  async #facts(change: Change): Promise<Facts> {
    return this.#parts.connections.transaction(CATALOG, (session) => readFacts(session, tablesOf(change)));
  }

  async #mustLoseNothing(name: string, { losses }: Compiled): Promise<void> {
    const lost: string[] = [];
    for (const { what, exists } of losses) {
      // What was never made cannot hold anything.
      const found = await this.#parts.connections
        .query<{ exists: boolean }>(exists)
        .catch(() => ({ rows: [] }));
      const [row] = found.rows;
      if (row && Object.values(row)[0] === true) lost.push(what);
    }
    if (lost.length > 0) throw new SegueError('CHANGE_LOSES_DATA', `${name}: ${lost.join('; ')}.`);
  }

  async #enter(context: RunContext, phase: Kept['phase'], from: readonly Kept['phase'][]): Promise<void> {
    const enter = async (session: Session) => {
      await context.lease.check(session);
      const kept = (await keptChanges(session)).find(({ name }) => name === context.change);
      if (kept && from.includes(kept.phase)) await enterPhase(session, context.change, phase);
      await this.#keepLines(session);
    };
    await readPatiently(context, [], () => this.#parts.connections.transaction({ lockTimeoutMs }, enter));
  }

  async #keepLines(session: Session): Promise<void> {
    await session.query('SET LOCAL search_path = pg_catalog');
    await keepSchemaLines(session, await readSchemaLines(session));
  }

  /** The schema segue; a database that was used before has to be adopted first. */
  async #prepare(adopting: boolean): Promise<void> {
    const { connections } = this.#parts;
    if (await hasJournal(connections)) {
      await connections.transaction(CATALOG, keptSchemaLines);
      return;
    }
    const lines = await connections.transaction(CATALOG, readSchemaLines);
    if (lines.length > 0 && !adopting) throw new SegueError('DATABASE_NOT_ADOPTED', lines[0] ?? '');
    await connections.transaction({ lockTimeoutMs }, (session) => createJournal(session, lines));
  }

  async #lease(watch: Watch): Promise<Lease> {
    const { connections, clock, holder, options } = this.#parts;
    return Lease.take(connections, holder, clock, { waitMs: options.leaseWaitMs ?? leaseWaitMs, watch });
  }

  async #say<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw failureOf(error, doing);
    }
  }
}

interface Known {
  readonly change: Change;
  readonly facts: Facts;
  readonly compiled: Compiled;
  readonly kept: Kept | undefined;
}

/** Those of the folder and those of the journal, in the order of their names; one that was taken back and thrown away is no more. */
function placesOf(changes: readonly Change[], kept: readonly Kept[]): Placed[] {
  const places = new Map<string, Placed>(changes.map(({ name }) => [name, { name, phase: 'new' }]));
  for (const { name, phase, dropping } of kept)
    if (phase !== 'reverted' || places.has(name)) places.set(name, { name, phase, dropping });
  return [...places.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
