import type { DatabaseSync } from 'node:sqlite';

export type Statements = ReturnType<typeof prepareStatements>;

/** Everything that is asked again and again, compiled once. Insertion order is the order of reading. */
export function prepareStatements(database: DatabaseSync) {
  return {
    fence: database.prepare('SELECT fence FROM meta'),
    append: database.prepare(`
      INSERT INTO journal (seq, at_ms, fence, release, service, kind, data)
      VALUES ((SELECT coalesce(max(seq), 0) + 1 FROM journal), ?, ?, ?, ?, ?, ?)
      RETURNING seq`),
    putService: database.prepare(`
      INSERT INTO service (name, data) VALUES (?, ?)
      ON CONFLICT (name) DO UPDATE SET data = excluded.data`),
    putVersion: database.prepare(`
      INSERT INTO version (service, version, kept_at_ms, data) VALUES (?, ?, ?, ?)
      ON CONFLICT (service, version) DO UPDATE SET kept_at_ms = excluded.kept_at_ms, data = excluded.data`),
    putInstance: database.prepare(`
      INSERT INTO instance (id, service, phase, data) VALUES (?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET service = excluded.service, phase = excluded.phase, data = excluded.data`),
    putRelease: database.prepare(`
      INSERT INTO release (id, service, started_at_ms, ended_at_ms, data) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET
        service = excluded.service, started_at_ms = excluded.started_at_ms,
        ended_at_ms = excluded.ended_at_ms, data = excluded.data`),
    putEvidence: database.prepare(`
      INSERT INTO evidence (release, data) VALUES (?, ?)
      ON CONFLICT (release) DO UPDATE SET data = excluded.data`),
    dropEvidence: database.prepare('DELETE FROM evidence WHERE release = ?'),
    putPast: database.prepare(`
      INSERT INTO past (service, data) VALUES (?, ?)
      ON CONFLICT (service) DO UPDATE SET data = excluded.data`),
    evidence: database.prepare('SELECT release, data FROM evidence ORDER BY rowid'),
    pasts: database.prepare('SELECT service, data FROM past ORDER BY rowid'),
    putSetting: database.prepare(`
      INSERT INTO setting (key, value) VALUES (?, ?)
      ON CONFLICT (key) DO UPDATE SET value = excluded.value`),
    services: database.prepare('SELECT name, data FROM service ORDER BY rowid'),
    versions: database.prepare('SELECT service, version, data FROM version ORDER BY kept_at_ms, rowid'),
    liveInstances: database.prepare(`
      SELECT id, data FROM instance WHERE phase <> 'stopped' ORDER BY rowid`),
    activeReleases: database.prepare(`
      SELECT id, data FROM release WHERE ended_at_ms IS NULL ORDER BY number`),
    settings: database.prepare('SELECT key, value FROM setting ORDER BY rowid'),
    releaseCount: database.prepare('SELECT count(*) AS count FROM release'),
    releases: database.prepare('SELECT id, data FROM release ORDER BY number DESC LIMIT ?'),
    releasesOf: database.prepare(
      'SELECT id, data FROM release WHERE service = ? ORDER BY number DESC LIMIT ?',
    ),
    release: database.prepare('SELECT id, data FROM release WHERE id = ?'),
  };
}
