/**
 * Knows the database that is released with the code: opens it, reads how far each change is, and says what a release
 * may count on. What it saw is kept in the ledger, so that a rollback can be decided while the database is away.
 */
import path from 'node:path';
import type { Change } from '../../core/database/change.ts';
import type { Phase } from '../../core/database/phase.ts';
import type { ChangeRunner, ChangeState } from '../../core/database/runner.ts';
import { SegueError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { DatabaseChoice } from '../../core/project.ts';
import {
  type Halfway,
  knows,
  madeWith,
  type Reach,
  type SchemaChange,
  type SchemaFacts,
  strangeTo,
  stuckUnder,
} from '../../core/release/schema.ts';
import { Turns } from '../../core/turns.ts';
import { formatDurationMs } from '../../core/units.ts';
import type { SchemaMemory } from '../../wire/schema-memory.ts';
import type { Ledger } from '../ledger.ts';
import { valueIn } from '../instance-environment.ts';
import type { ControlPorts } from '../ports.ts';
import { contractOf, memoryOf, memorySetting, schemaFacts } from './memory.ts';

export interface SchemaDeskParts {
  readonly ports: Pick<ControlPorts, 'databases' | 'changes' | 'source' | 'environment' | 'clock'>;
  readonly ledger: Ledger;
  /** As segue.yaml has it now. */
  readonly choice: () => DatabaseChoice | null;
}

const REACH: Readonly<Record<Phase, Reach | null>> = {
  new: 'new',
  reverted: 'new',
  expanding: 'new',
  reverting: 'new',
  expanded: 'expanded',
  ready: 'filled',
  contracting: 'contracted',
  contracted: 'contracted',
  restoring: 'contracted',
  finished: 'finished',
  // It was there before Segue: no version ever ran without it.
  adopted: null,
};

const HALFWAY: Readonly<Partial<Record<Phase, Halfway>>> = { contracting: 'contract', restoring: 'restore' };

const LOOK = 'look';

/** What was read in one go. */
export interface Seen {
  readonly folder: readonly Change[];
  readonly states: readonly ChangeState[];
}

export class SchemaDesk {
  readonly #parts: SchemaDeskParts;
  readonly #looks = new Turns();

  constructor(parts: SchemaDeskParts) {
    this.#parts = parts;
  }

  get choice(): DatabaseChoice | null {
    return this.#parts.choice();
  }

  uses(service: string, choice = this.choice): boolean {
    return choice !== null && (choice.services === null || choice.services.includes(service));
  }

  /** Runs work on the database; what it opened is closed whatever happens. */
  async opened<T>(
    choice: DatabaseChoice,
    work: (runner: ChangeRunner, folder: readonly Change[]) => Promise<T>,
  ): Promise<T> {
    const { ports } = this.#parts;
    const folder = await ports.changes.read(path.resolve(ports.source.root, choice.changes));
    const url = valueIn(ports.environment, choice.url);
    if (url.type === 'missing')
      throw new SegueError('ENVIRONMENT_VALUE_MISSING', `database.url needs ${url.name}.`);
    const runner = await ports.databases.open(url.value);
    try {
      return await work(runner, folder);
    } finally {
      await runner.close();
    }
  }

  /** Asks, and changes nothing: one that says nothing for too long is away, whatever becomes of its connections. */
  async asked<T>(
    choice: DatabaseChoice,
    question: (runner: ChangeRunner, folder: readonly Change[]) => Promise<T>,
  ): Promise<T> {
    const over = new AbortController();
    const { lookMs } = limits.schema;
    const silent = this.#parts.ports.clock.sleep(lookMs, over.signal).then(() => {
      throw new SegueError('DATABASE_UNREACHABLE', `It said nothing for ${formatDurationMs(lookMs)}.`);
    });
    try {
      return await Promise.race([this.opened(choice, question), silent]);
    } finally {
      over.abort(new Error('it answered'));
    }
  }

  /**
   * Reads where every change is, and remembers it. Null: there is no database. One look at a time: what an earlier one
   * saw must never come after what a later one did.
   */
  async look(choice = this.choice): Promise<Seen | null> {
    if (choice === null) return null;
    return this.#looks.take(LOOK, async () => {
      const seen = await this.asked(choice, async (runner, folder) => ({
        folder,
        states: (await runner.status(folder)).changes,
      }));
      await this.#remember(seen);
      return seen;
    });
  }

  async #remember({ folder, states }: Seen): Promise<void> {
    const { ledger } = this.#parts;
    await ledger.write(() => {
      const memory = memoryOf(ledger);
      const changes = states.flatMap(({ name, phase, comesBack }) => {
        const file = folder.find((each) => each.name === name);
        const kept = memory.changes.find((each) => each.name === name);
        const reach = REACH[phase];
        const { digest, keepMs } = file ?? kept ?? { digest: '', keepMs: 0 };
        const halfway = HALFWAY[phase] ?? null;
        return reach === null ? [] : [{ name, digest, reach, keepMs, comesBack, halfway }];
      });
      if (JSON.stringify(changes) === JSON.stringify(memory.changes)) return null;
      return { facts: [], changes: [memorySetting({ changes, contracts: contractsAfter(memory, changes) })] };
    });
  }

  /**
   * Before a release makes a plan. Gives the names of all changes that a new version is made with; throws
   * SCHEMA_NOT_READ, and whatever is wrong with the changes themselves.
   */
  async readFor(choice: DatabaseChoice | null): Promise<readonly string[]> {
    const seen = await this.look(choice).catch((error: unknown) => {
      throw unread(error);
    });
    if (!seen) return [];
    const edited = seen.states.find((state) => state.edited);
    if (edited) throw new SegueError('CHANGE_EDITED', `${edited.name} is ${edited.phase}.`);
    const reverting = seen.states.find((state) => state.phase === 'reverting');
    if (reverting)
      throw new SegueError(
        'CHANGE_ORDER',
        `${reverting.name} is half taken back: "segue database revert" ends it.`,
      );
    await this.#mustBePossible(choice, seen).catch((error: unknown) => {
      throw unread(error);
    });
    const adopted = seen.states.filter(({ phase }) => phase === 'adopted').map(({ name }) => name);
    return seen.folder.map(({ name }) => name).filter((name) => !adopted.includes(name));
  }

  /** What cannot be done is found before anything is. */
  async #mustBePossible(choice: DatabaseChoice | null, { folder, states }: Seen): Promise<void> {
    const fresh = folder.filter(({ name }) =>
      states.some((state) => state.name === name && REACH[state.phase] === 'new'),
    );
    const [next] = fresh;
    if (choice === null || !next) return;
    await this.asked(choice, async (runner) => {
      await runner.check(fresh);
      // Those behind it may build on what it makes.
      await runner.plan(next);
    });
  }

  /** The same for a rollback, which must not wait for a database: what was seen last has to do then. */
  async readForRollback(choice: DatabaseChoice | null): Promise<string | null> {
    try {
      await this.look(choice);
      return null;
    } catch (error) {
      if (!(error instanceof SegueError)) throw error;
      return `the database does not answer (${error.detail}): planned by what it said last`;
    }
  }

  /** From what was seen last. Null: the service uses no database that is released with it. */
  factsFor(
    service: string,
    made: { readonly version: string; readonly changes: readonly string[] } | null,
    choice: DatabaseChoice | null,
  ): SchemaFacts | null {
    return this.uses(service, choice) ? schemaFacts(this.#parts.ledger, service, made) : null;
  }

  /**
   * Throws ROLLBACK_PAST_CONTRACT, CHANGE_UNKNOWN. Asked in the write that begins a release, so that no contract comes
   * between.
   */
  refuseTaken(schema: SchemaFacts, version: string): void {
    const memory = memoryOf(this.#parts.ledger);
    const lost = madeWith(schema, version).find((name) => schema.changes.every((each) => each.name !== name));
    if (lost !== undefined)
      throw new SegueError(
        'CHANGE_UNKNOWN',
        `${version} was made with ${lost}, which is neither in the folder nor in the database.`,
      );
    const [gone] = strangeTo(schema, version, 'finished');
    if (gone)
      throw pastContract(
        `${gone.name} was contracted, and ${version} was made before it: what it used is gone.`,
      );
    const [bound] = strangeTo(schema, version, 'contracted').filter((change) => !change.comesBack);
    if (bound?.halfway === 'contract')
      throw pastContract(
        `The contract of ${bound.name} was begun, is not done, and has no way back, and ${version} was made before it: "segue database contract ${bound.name}" goes on with it.`,
      );
    if (bound)
      throw pastContract(
        `${bound.name} was contracted, and ${version} was made before it: what it writes would be seen by nobody. What it wrote, and what was written since, is kept for ${formatDurationMs(bound.keepMs)} after the contract.`,
      );
    const stuck = stuckUnder(schema, version);
    if (stuck)
      throw pastContract(
        `${stuck[0].name} was contracted, and ${version} was made before it: to take that back, ${stuck[1].name}, which ${version} needs, would have to go back first.`,
      );
    const begun = schema.changes.find(
      ({ name }) => contractOf(memory, name).begun && !knows(schema, version, name),
    );
    if (begun) throw pastContract(`${version} was made before ${begun.name}, and ${this.#underWay(begun)}.`);
  }

  /** For now, that is, and what to do then. */
  #underWay({ name, comesBack }: SchemaChange): string {
    const { failed } = contractOf(memoryOf(this.#parts.ledger), name);
    if (failed !== null)
      return `its contract failed while the database did not answer: how far it came is not known. Run the same again when the database answers`;
    const then = comesBack
      ? `, which takes the contract back while what it replaced is kept`
      : ' if it failed';
    return `that is being contracted now. See with "segue status" how that ends, and run the same again${then}`;
  }

  /** What a release of the version should know, in a person's words. */
  warningsFor(schema: SchemaFacts, version: string): string[] {
    return strangeTo(schema, version, 'new').map(
      ({ name }) => `${name} stays out: ${version} was made before it; it goes with a version that is new`,
    );
  }
}

/** One that was taken back begins anew: no word, and no time that went by, holds for the next one. */
function contractsAfter(
  { changes: before, contracts }: SchemaMemory,
  changes: SchemaMemory['changes'],
): SchemaMemory['contracts'] {
  const was = (name: string) => before.find((each) => each.name === name)?.reach;
  const back = changes.filter(
    ({ name, reach }) => reach === 'new' || (reach === 'filled' && was(name) === 'contracted'),
  );
  const names = new Set(back.map(({ name }) => name));
  return Object.fromEntries(Object.entries(contracts).filter(([name]) => !names.has(name)));
}

const pastContract = (detail: string) => new SegueError('ROLLBACK_PAST_CONTRACT', detail);

const NOT_READ: ReadonlySet<string> = new Set(['DATABASE_UNREACHABLE', 'DATABASE_BUSY', 'DATABASE_LOCKED']);

function unread(error: unknown): unknown {
  if (!(error instanceof SegueError) || !NOT_READ.has(error.code)) return error;
  return new SegueError('SCHEMA_NOT_READ', error.message, { cause: error });
}
