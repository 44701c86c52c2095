/**
 * The journal is append-only and without gaps, and not by good manners: its triggers refuse everything else.
 * The other tables hold each record as JSON beside the keys that it is looked up by; they say how things are
 * now, the journal says how they came to be so.
 */
import type { DatabaseSync } from 'node:sqlite';
import { SegueError } from '../../../core/errors.ts';
import { inTransaction } from './transaction.ts';
import { integer } from './rows.ts';

/** Applied in order, each once, each whole. Released ones never change: a new shape is a new one at the end. */
const MIGRATIONS = [
  `
  CREATE TABLE meta (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    fence INTEGER NOT NULL
  ) STRICT;
  INSERT INTO meta VALUES (1, 0);

  CREATE TABLE journal (
    seq INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    release TEXT,
    service TEXT,
    kind TEXT NOT NULL CHECK (kind <> ''),
    data TEXT NOT NULL CHECK (json_valid(data))
  ) STRICT;
  CREATE INDEX journal_by_release ON journal (release, seq);
  CREATE INDEX journal_by_service ON journal (service, seq);
  CREATE TRIGGER journal_no_gaps BEFORE INSERT ON journal
    WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM journal)
    BEGIN SELECT RAISE(ABORT, 'the journal has no gaps'); END;
  CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
  CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

  CREATE TABLE service (
    name TEXT NOT NULL PRIMARY KEY,
    data TEXT NOT NULL
  ) STRICT;

  CREATE TABLE version (
    service TEXT NOT NULL,
    version TEXT NOT NULL,
    kept_at_ms INTEGER NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (service, version)
  ) STRICT;

  CREATE TABLE instance (
    id TEXT NOT NULL PRIMARY KEY,
    service TEXT NOT NULL,
    phase TEXT NOT NULL,
    data TEXT NOT NULL
  ) STRICT;
  CREATE INDEX instance_by_phase ON instance (phase);

  CREATE TABLE release (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    service TEXT NOT NULL,
    started_at_ms INTEGER NOT NULL,
    ended_at_ms INTEGER,
    data TEXT NOT NULL
  ) STRICT;
  CREATE INDEX release_by_service ON release (service, number);
  CREATE INDEX release_active ON release (number) WHERE ended_at_ms IS NULL;

  CREATE TABLE setting (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE evidence (
    release TEXT NOT NULL PRIMARY KEY,
    data TEXT NOT NULL
  ) STRICT;

  CREATE TABLE past (
    service TEXT NOT NULL PRIMARY KEY,
    data TEXT NOT NULL
  ) STRICT;
  `,
] as const;

/** Throws JOURNAL_NEWER when a later Segue made this journal. Writes nothing. */
export function checkVersion(database: DatabaseSync): number {
  const version = integer(database.prepare('PRAGMA user_version').get(), 'user_version', 'the header');
  if (version > MIGRATIONS.length)
    throw new SegueError(
      'JOURNAL_NEWER',
      `Its format is ${version}; this Segue knows formats up to ${MIGRATIONS.length}.`,
    );
  return version;
}

export function migrate(database: DatabaseSync): void {
  for (const [index, sql] of MIGRATIONS.entries()) {
    if (index < checkVersion(database)) continue;
    inTransaction(database, () => database.exec(`${sql}; PRAGMA user_version = ${index + 1}`));
  }
}
