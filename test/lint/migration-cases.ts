/** What programs from before and after a migration of `migrations.ts` write, while it is carried out in phases. */
import { MIGRATIONS, type Migration } from './migrations.ts';

export interface MigrationCase extends Migration {
  readonly old: readonly string[];
  readonly new: readonly string[];
  /** Counts rows that are not as the new version may expect them, once nothing older writes any more. */
  readonly wrong: string;
}

const ID = '(1000 + random() * 1e15)::bigint';
const ANY = '(SELECT (1 + floor(random() * 20))::int)';
const TEXT = 'gen_random_uuid()::text';

const PROGRAMS: Readonly<Record<string, Pick<MigrationCase, 'old' | 'new' | 'wrong'>>> = {
  prisma: {
    old: [
      `INSERT INTO "User" (id, email, name, legacy) VALUES (${ID}, ${TEXT}, 'old', 'l')`,
      `UPDATE "User" SET legacy = 'written', name = 'by old' WHERE id = ${ANY}`,
      'SELECT id, email, name, kind, legacy, "seenAt" FROM "User" LIMIT 5',
    ],
    new: [
      `INSERT INTO "User" (id, email, name, age, role, score, tags) VALUES (${ID}, ${TEXT}, 'new', 7, 'ADMIN', 1.5, '{x}')`,
      `UPDATE "User" SET role = 'USER', age = 8 WHERE id = ${ANY}`,
      `INSERT INTO "Post" ("userId") VALUES (${ANY})`,
      'SELECT id, email, name, kind, "seenAt", age, role, score, tags, token FROM "User" LIMIT 5',
    ],
    wrong: `SELECT count(*)::int AS wrong FROM "User" WHERE token IS NULL OR role IS NULL OR score IS NULL`,
  },
  drizzle: {
    old: [
      `INSERT INTO orders (id, user_id, total) VALUES (${ID}, ${ANY}, 5)`,
      `UPDATE orders SET total = total + 1 WHERE id = ${ANY}`,
    ],
    new: [
      `INSERT INTO orders (id, user_id, total, state) VALUES (${ID}, ${ANY}, 6, 'paid')`,
      `UPDATE orders SET state = 'sent' WHERE id = ${ANY}`,
    ],
    wrong: 'SELECT count(*)::int AS wrong FROM orders WHERE state IS NULL OR total <= 0',
  },
  // A row that comes between its two UPDATEs is one that the second meets first.
  knex: {
    old: [
      `INSERT INTO orders (id, user_id, total) VALUES (${ID}, 1, 100), (${ID}, 1, 50)`,
      `UPDATE orders SET note = NULL WHERE id = ${ANY}`,
      'SELECT count(*) FROM old_things',
    ],
    new: [
      `INSERT INTO orders (id, user_id, total, note) VALUES (${ID}, 2, 50, 'mine')`,
      `UPDATE orders SET note = 'ours' WHERE id = ${ANY}`,
    ],
    wrong: `SELECT count(*)::int AS wrong FROM orders WHERE note IS NULL
      OR user_id = 1 AND id >= 1000 AND note <> 'none' AND note <> CASE total WHEN 100 THEN 'total 100' ELSE 'none' END
      OR user_id = 2 AND id >= 1000 AND note <> 'mine'`,
  },
  rails: {
    old: [
      `INSERT INTO orders (id, user_id, total) VALUES (${ID}, 1, 5)`,
      `UPDATE orders SET total = total + 1 WHERE id = ${ANY}`,
    ],
    new: [
      `INSERT INTO orders (id, user_id, total, paid) VALUES (${ID}, 1, 6, true)`,
      `UPDATE orders SET paid = true WHERE id = ${ANY}`,
      'SELECT max(number) FROM orders',
    ],
    wrong: `SELECT (count(*) - count(DISTINCT number))::int AS wrong FROM orders`,
  },
  sql: {
    old: [
      `INSERT INTO orders (id, user_id, total, note) VALUES (${ID}, 1, 5, 'old')`,
      `UPDATE orders SET note = 'by old' WHERE id = ${ANY}`,
      `DELETE FROM orders WHERE note = 'by new' AND id > 1000`,
      `INSERT INTO "User" (id, name) VALUES (${ID}, 'old')`,
    ],
    new: [
      `INSERT INTO purchases (id, user_id, total, note) VALUES (${ID}, 1, 6, 'by new')`,
      `UPDATE purchases SET note = 'new' WHERE id = ${ANY}`,
      `INSERT INTO "User" (id, name, kind, label, n, "seenAt") VALUES (${ID}, 'new', 'c', left(${TEXT}, 9), 2, now())`,
      `UPDATE "User" SET friend = 3 WHERE id = ${ANY}`,
    ],
    wrong: `SELECT count(*)::int AS wrong FROM "User" WHERE n IS NULL`,
  },
};

/** Those that nothing of is left for a person. */
export const MIGRATION_CASES: readonly MigrationCase[] = MIGRATIONS.filter(({ closed }) => closed).map(
  (migration) => {
    const [tool = ''] = /^\w+/.exec(migration.name.toLowerCase()) ?? [];
    const programs = PROGRAMS[tool] ?? PROGRAMS['sql'];
    if (!programs) throw new Error(`no programs for ${migration.name}`);
    return { ...migration, ...programs };
  },
);
