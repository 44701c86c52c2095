/** A database whose changes are where a test says, and that does what the test says. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { SchemaDesk } from '../../src/control/database/schema-desk.ts';
import { Ledger } from '../../src/control/ledger.ts';
import type { Change } from '../../src/core/database/change.ts';
import type { Phase } from '../../src/core/database/phase.ts';
import type { ChangeRunner, ChangeState } from '../../src/core/database/runner.ts';
import { SegueError } from '../../src/core/errors.ts';
import type { DatabaseChoice } from '../../src/core/project.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { systemClock } from '../../src/drivers/clock/system.ts';
import { openSqliteStore } from '../../src/drivers/store/sqlite/open.ts';

export const CHOICE: DatabaseChoice = {
  ...{ url: 'postgres://db', changes: 'db/changes', services: null },
  contract: { afterMs: null, clients: [] },
};

const change = (name: string): Change => ({
  ...{ name, digest: name, keepMs: 60_000 },
  body: { form: 'operations', operations: [] },
});

const stateOf = (name: string, phase: Phase): ChangeState => ({
  ...{
    name,
    phase,
    edited: false,
    missing: false,
    keptUntilMs: null,
    backfill: null,
    pendingRows: 0,
    comesBack: false,
  },
});

export interface FakeDatabase {
  folder: readonly string[];
  phases: Readonly<Record<string, Phase>>;
  comesBack?: boolean;
  /** What a contract replaced. */
  keptForMs?: number;
  /** What a look waits for, once it has read the folder. */
  slow?: Promise<void>;
  /** What can be asked of it beside looks. */
  acts?: Partial<ChangeRunner>;
}

/** A desk on it, with a journal that is a real one. */
export async function fakeDesk(
  t: TestContext,
  database: FakeDatabase,
  { isAway = () => false, clock = systemClock }: { isAway?: () => boolean; clock?: Clock } = {},
) {
  const root = await mkdtemp(path.join(os.tmpdir(), 'segue-schema-'));
  const store = await openSqliteStore({ root });
  t.after(async () => {
    await store.close();
    await rm(root, { recursive: true });
  });
  const ledger = await Ledger.open(store, systemClock);
  const never = () => Promise.reject(new Error('nobody asks for this'));
  const runner = (folder: readonly Change[], slow: Promise<void> | undefined): ChangeRunner => ({
    ...{ expand: never, backfill: never, contract: never, revert: never, order: never, adopt: never },
    ...{ close: () => Promise.resolve(), plan: () => Promise.resolve([]) },
    clients: () => Promise.resolve([]),
    check: () => Promise.resolve(),
    restore: never,
    async status() {
      const { comesBack = false, keptForMs } = database;
      const keptUntilMs = keptForMs === undefined ? null : systemClock.nowMs() + keptForMs;
      const phaseOf = (name: string) => database.phases[name] ?? 'new';
      const changes = folder.map(({ name }) => ({
        ...{ ...stateOf(name, phaseOf(name)), comesBack },
        keptUntilMs: phaseOf(name) === 'contracted' ? keptUntilMs : null,
      }));
      await slow;
      return { server: '17', adopted: true, changes, drift: [], holder: null };
    },
    ...database.acts,
  });
  let read: readonly Change[] = [];
  const ports = {
    databases: {
      open: () =>
        isAway()
          ? Promise.reject(new SegueError('DATABASE_UNREACHABLE', 'it is away'))
          : Promise.resolve(runner(read, database.slow)),
    },
    changes: { read: () => Promise.resolve((read = database.folder.map(change))) },
    source: { root, load: never },
    environment: {},
    clock,
  };
  return { ledger, desk: new SchemaDesk({ ports, ledger, choice: () => CHOICE }) };
}
