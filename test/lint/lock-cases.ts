/** For each rule that names a lock: a statement that takes it while it works, and one that does not. */
export interface LockCase {
  readonly rule: string;
  readonly setup?: string;
  readonly unsafe: string;
  /** Tables on which the lock is seen. */
  readonly on?: readonly string[];
  /** What is done under it. */
  readonly work?: 'scan' | 'rewrite';
  readonly safe: readonly string[];
  /** The first version that knows these statements. */
  readonly from?: number;
}

/** A table with rows, one that it can refer to, and a partitioned one. */
export const SETUP = `
CREATE TABLE u (id bigint PRIMARY KEY, name text);
CREATE TABLE t (id bigint PRIMARY KEY, u_id bigint, name varchar(20), n int, r int4range);
INSERT INTO u SELECT i, 'u' FROM generate_series(1, 20) i;
INSERT INTO t SELECT i, i, 't', i, int4range(i, i + 1) FROM generate_series(1, 20) i;`;

const PARTITIONS = `
CREATE TABLE p (id bigint, n int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100);
CREATE TABLE p2 (id bigint, n int);
INSERT INTO p2 SELECT i, i FROM generate_series(100, 120) i;`;

export const LOCK_CASES: readonly LockCase[] = [
  {
    rule: 'add-column-volatile-default',
    unsafe: 'ALTER TABLE t ADD COLUMN token uuid DEFAULT gen_random_uuid()',
    work: 'rewrite',
    safe: [
      'ALTER TABLE t ADD COLUMN token uuid',
      'ALTER TABLE t ALTER COLUMN token SET DEFAULT gen_random_uuid()',
      'ALTER TABLE t ADD COLUMN made timestamptz NOT NULL DEFAULT now()',
      "ALTER TABLE t ADD COLUMN kind text NOT NULL DEFAULT 'a'",
    ],
  },
  {
    rule: 'add-serial-column',
    unsafe: 'ALTER TABLE t ADD COLUMN s bigserial',
    work: 'rewrite',
    safe: [
      'ALTER TABLE t ADD COLUMN s bigint',
      'CREATE SEQUENCE t_s_seq OWNED BY t.s',
      "ALTER TABLE t ALTER COLUMN s SET DEFAULT nextval('t_s_seq')",
    ],
  },
  {
    rule: 'add-serial-column',
    unsafe: 'ALTER TABLE t ADD COLUMN s bigint GENERATED ALWAYS AS IDENTITY',
    work: 'rewrite',
    safe: ['ALTER TABLE t ADD COLUMN s bigint'],
  },
  {
    rule: 'add-stored-generated-column',
    unsafe: 'ALTER TABLE t ADD COLUMN d int GENERATED ALWAYS AS (n * 2) STORED',
    work: 'rewrite',
    safe: ['ALTER TABLE t ADD COLUMN d int'],
  },
  {
    rule: 'add-stored-generated-column',
    unsafe: 'ALTER TABLE t ADD COLUMN d int GENERATED ALWAYS AS (n * 2) STORED',
    work: 'rewrite',
    from: 18,
    safe: ['ALTER TABLE t ADD COLUMN d int GENERATED ALWAYS AS (n * 2) VIRTUAL'],
  },
  {
    rule: 'set-not-null',
    unsafe: 'ALTER TABLE t ALTER COLUMN n SET NOT NULL',
    work: 'scan',
    safe: [
      'ALTER TABLE t ADD CONSTRAINT t_n_not_null CHECK (n IS NOT NULL) NOT VALID',
      'ALTER TABLE t VALIDATE CONSTRAINT t_n_not_null',
      'ALTER TABLE t ALTER COLUMN n SET NOT NULL',
      'ALTER TABLE t DROP CONSTRAINT t_n_not_null',
    ],
  },
  {
    rule: 'set-not-null',
    unsafe: 'ALTER TABLE t ALTER COLUMN n SET NOT NULL',
    work: 'scan',
    from: 18,
    safe: [
      'ALTER TABLE t ADD CONSTRAINT t_n_nn NOT NULL n NOT VALID',
      'ALTER TABLE t VALIDATE CONSTRAINT t_n_nn',
    ],
  },
  {
    rule: 'change-column-type',
    unsafe: 'ALTER TABLE t ALTER COLUMN n TYPE bigint',
    work: 'rewrite',
    safe: ['ALTER TABLE t ADD COLUMN n_new bigint'],
  },
  {
    rule: 'add-foreign-key',
    unsafe: 'ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (u_id) REFERENCES u (id)',
    on: ['t', 'u'],
    safe: [
      'ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (u_id) REFERENCES u (id) NOT VALID',
      'ALTER TABLE t VALIDATE CONSTRAINT k',
      'ALTER TABLE t ADD COLUMN v_id bigint REFERENCES u (id)',
    ],
  },
  {
    rule: 'add-check',
    unsafe: 'ALTER TABLE t ADD CONSTRAINT c CHECK (n > 0)',
    work: 'scan',
    safe: ['ALTER TABLE t ADD CONSTRAINT c CHECK (n > 0) NOT VALID', 'ALTER TABLE t VALIDATE CONSTRAINT c'],
  },
  {
    rule: 'add-check',
    unsafe: 'ALTER TABLE t ADD COLUMN x int CHECK (x > 0)',
    work: 'scan',
    safe: ['ALTER TABLE t ADD COLUMN x int', 'ALTER TABLE t ADD CONSTRAINT x CHECK (x > 0) NOT VALID'],
  },
  {
    rule: 'add-unique-constraint',
    unsafe: 'ALTER TABLE t ADD CONSTRAINT t_n_key UNIQUE (n)',
    work: 'scan',
    safe: [
      'CREATE UNIQUE INDEX CONCURRENTLY t_n_key ON t (n)',
      'ALTER TABLE t ADD CONSTRAINT t_n_key UNIQUE USING INDEX t_n_key',
    ],
  },
  {
    rule: 'add-unique-constraint',
    unsafe: 'ALTER TABLE t ADD COLUMN x int UNIQUE',
    work: 'scan',
    safe: ['ALTER TABLE t ADD COLUMN x int', 'CREATE UNIQUE INDEX CONCURRENTLY t_x_key ON t (x)'],
  },
  {
    rule: 'add-primary-key',
    setup: 'ALTER TABLE t DROP CONSTRAINT t_pkey;',
    unsafe: 'ALTER TABLE t ADD PRIMARY KEY (id)',
    work: 'scan',
    safe: [
      'CREATE UNIQUE INDEX CONCURRENTLY t_pkey ON t (id)',
      'ALTER TABLE t ADD CONSTRAINT t_pkey PRIMARY KEY USING INDEX t_pkey',
    ],
  },
  {
    rule: 'add-exclusion',
    unsafe: 'ALTER TABLE t ADD CONSTRAINT e EXCLUDE USING gist (r WITH &&)',
    work: 'scan',
    safe: ['CREATE TABLE t_new (id bigint PRIMARY KEY, r int4range, EXCLUDE USING gist (r WITH &&))'],
  },
  {
    rule: 'validate-in-same-transaction',
    unsafe:
      'BEGIN; ALTER TABLE t ADD CONSTRAINT c CHECK (n > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c',
    work: 'scan',
    safe: ['ALTER TABLE t ADD CONSTRAINT c CHECK (n > 0) NOT VALID', 'ALTER TABLE t VALIDATE CONSTRAINT c'],
  },
  {
    rule: 'drop-foreign-key',
    setup: 'ALTER TABLE t ADD CONSTRAINT t_u_id_fkey FOREIGN KEY (u_id) REFERENCES u (id);',
    unsafe: 'ALTER TABLE t DROP CONSTRAINT t_u_id_fkey',
    on: ['t', 'u'],
    safe: ['ALTER TABLE t ALTER COLUMN name SET STATISTICS 200'],
  },
  {
    rule: 'domain-constraint',
    setup: 'CREATE DOMAIN d AS int; ALTER TABLE t ADD COLUMN d d;',
    unsafe: 'ALTER DOMAIN d ADD CONSTRAINT positive CHECK (VALUE > 0)',
    work: 'scan',
    safe: ['ALTER DOMAIN d ADD CONSTRAINT positive CHECK (VALUE > 0) NOT VALID'],
  },
  {
    rule: 'create-index-blocking',
    unsafe: 'CREATE INDEX i ON t (n)',
    work: 'scan',
    safe: ['CREATE INDEX CONCURRENTLY i ON t (n)'],
  },
  {
    rule: 'create-index-blocking',
    setup: PARTITIONS,
    unsafe: 'CREATE INDEX i ON p (n)',
    on: ['p', 'p1'],
    safe: ['CREATE INDEX i ON ONLY p (n)'],
  },
  {
    rule: 'drop-index-blocking',
    setup: 'CREATE INDEX i ON t (n);',
    unsafe: 'DROP INDEX i',
    safe: ['DROP INDEX CONCURRENTLY i'],
  },
  {
    rule: 'reindex-blocking',
    setup: 'CREATE INDEX i ON t (n);',
    unsafe: 'REINDEX TABLE t',
    work: 'scan',
    safe: ['REINDEX TABLE CONCURRENTLY t'],
  },
  {
    rule: 'reindex-blocking',
    setup: 'CREATE INDEX i ON t (n);',
    unsafe: 'REINDEX INDEX i',
    work: 'scan',
    safe: ['REINDEX INDEX CONCURRENTLY i'],
  },
  {
    rule: 'detach-partition-blocking',
    setup: PARTITIONS,
    unsafe: 'ALTER TABLE p DETACH PARTITION p1',
    on: ['p', 'p1'],
    safe: ['ALTER TABLE p ALTER COLUMN n SET STATISTICS 200'],
  },
  {
    rule: 'attach-partition-scan',
    setup: PARTITIONS,
    unsafe: 'ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (100) TO (200)',
    on: ['p2'],
    work: 'scan',
    safe: [
      'ALTER TABLE p2 ADD CONSTRAINT b CHECK (id IS NOT NULL AND id >= 100 AND id < 200) NOT VALID',
      'ALTER TABLE p2 VALIDATE CONSTRAINT b',
    ],
  },
  {
    rule: 'truncate',
    unsafe: 'TRUNCATE t',
    safe: ['DELETE FROM t WHERE id < 5'],
  },
  {
    rule: 'vacuum-full',
    unsafe: 'VACUUM FULL t',
    work: 'rewrite',
    safe: ['VACUUM t'],
  },
  {
    rule: 'cluster',
    unsafe: 'CLUSTER t USING t_pkey',
    work: 'rewrite',
    safe: ['ALTER TABLE t CLUSTER ON t_pkey'],
  },
  {
    rule: 'rewrite-table',
    unsafe: 'ALTER TABLE t SET UNLOGGED',
    work: 'rewrite',
    safe: ['CREATE UNLOGGED TABLE t_new (LIKE t)'],
  },
  {
    rule: 'refresh-blocking',
    setup: 'CREATE MATERIALIZED VIEW m AS SELECT * FROM t; CREATE UNIQUE INDEX ON m (id);',
    unsafe: 'REFRESH MATERIALIZED VIEW m',
    on: ['m'],
    work: 'rewrite',
    safe: [],
  },
  {
    rule: 'lock-table',
    unsafe: 'LOCK TABLE t',
    safe: ['LOCK TABLE t IN ROW EXCLUSIVE MODE'],
  },
];

export interface Widening {
  readonly from: string;
  readonly to: string;
  /** Made in the catalog alone. */
  readonly widens: boolean;
}

const pair = (from: string, to: string, widens: boolean): Widening => ({ from, to, widens });

export const WIDENINGS: readonly Widening[] = [
  pair('varchar(10)', 'varchar(20)', true),
  pair('varchar(20)', 'varchar(10)', false),
  pair('varchar(10)', 'varchar', true),
  pair('varchar(10)', 'text', true),
  pair('text', 'varchar', true),
  pair('text', 'varchar(10)', false),
  pair('numeric(10, 2)', 'numeric(12, 2)', true),
  pair('numeric(10, 2)', 'numeric', true),
  pair('numeric(10, 2)', 'numeric(12, 4)', false),
  pair('timestamp(3)', 'timestamp(6)', true),
  pair('timestamptz(3)', 'timestamptz', true),
  pair('timestamptz(6)', 'timestamptz(3)', false),
  pair('time(0)', 'time(3)', true),
  pair('varbit(8)', 'varbit(16)', true),
  pair('cidr', 'inet', true),
  pair('inet', 'cidr', false),
  pair('int', 'bigint', false),
  pair('bigint', 'int', false),
  pair('smallint', 'int', false),
  pair('int', 'text', false),
  pair('char(5)', 'char(10)', false),
  pair('char(5)', 'text', false),
  pair('json', 'jsonb', false),
  pair('real', 'double precision', false),
  pair('varchar(10)[]', 'varchar(20)[]', false),
  pair('text[]', 'text', false),
  pair('bit(8)', 'varbit(8)', false),
];
