/** Migrations as tools write them. */
export interface Migration {
  readonly name: string;
  readonly file: string;
  readonly text: string;
  /** Nothing is left for a person. */
  readonly closed: boolean;
  /** False where part of it is left out. */
  readonly same?: boolean;
}

export const SCHEMA_BEFORE = `
CREATE TABLE "User" (id bigint PRIMARY KEY, email text, name varchar(20), kind text NOT NULL DEFAULT 'a', legacy text, "seenAt" timestamptz);
INSERT INTO "User" SELECT i, 'U' || i || '@x', 'n' || i, CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END, 'old' FROM generate_series(1, 20) i;
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, total int, note text);
INSERT INTO orders SELECT i, i, i * 10, NULL FROM generate_series(1, 20) i;
CREATE INDEX orders_total_idx ON orders (total);
CREATE TABLE old_things (id bigint);
CREATE TYPE mood AS ENUM ('sad', 'ok');`;

export const MIGRATIONS: readonly Migration[] = [
  {
    name: 'Prisma: a column, a table, indexes and keys',
    file: 'prisma/migrations/20260301_posts/migration.sql',
    closed: true,
    text: `/*
  Warnings:

  - You are about to drop the column \`legacy\` on the \`User\` table. All the data in the column will be lost.

*/
-- CreateEnum
CREATE TYPE "Role" AS ENUM ('USER', 'ADMIN');

-- AlterTable
ALTER TABLE "User" DROP COLUMN "legacy",
ADD COLUMN     "age" INTEGER,
ADD COLUMN     "role" "Role" NOT NULL DEFAULT 'USER',
ADD COLUMN     "score" DECIMAL(65,30) NOT NULL DEFAULT 0,
ADD COLUMN     "tags" TEXT[] DEFAULT ARRAY['a', 'b']::TEXT[],
ADD COLUMN     "token" UUID NOT NULL DEFAULT gen_random_uuid();

-- CreateTable
CREATE TABLE "Post" (
    "id" SERIAL NOT NULL,
    "userId" BIGINT NOT NULL,

    CONSTRAINT "Post_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "Post_userId_idx" ON "Post"("userId");

-- CreateIndex
CREATE INDEX "User_age_idx" ON "User"("age");

-- CreateIndex
CREATE UNIQUE INDEX "User_email_key" ON "User"("email");

-- AddForeignKey
ALTER TABLE "Post" ADD CONSTRAINT "Post_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
`,
  },
  {
    name: 'Drizzle: breakpoints, a wrapped constraint, a default',
    file: 'drizzle/0003_odd_hulk.sql',
    closed: true,
    text: `ALTER TABLE "orders" ADD COLUMN "state" text DEFAULT 'new' NOT NULL;--> statement-breakpoint
DO $$ BEGIN
 ALTER TABLE "orders" ADD CONSTRAINT "orders_user_id_User_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."User"("id") ON DELETE cascade ON UPDATE no action;
EXCEPTION
 WHEN duplicate_object THEN null;
END $$;
--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "orders_state_idx" ON "orders" USING btree ("state")
--> statement-breakpoint
ALTER TABLE "orders" ADD CONSTRAINT "orders_total_check" CHECK ("total" > 0)
--> statement-breakpoint
DROP INDEX "orders_total_idx";`,
  },
  {
    name: 'Knex: its own tables left out, data and NOT NULL',
    file: 'migrations/20260302_notes.sql',
    closed: true,
    text: `BEGIN;
SET lock_timeout = '5s';
update "orders" set "note" = 'total ' || "total" where "total" >= 80 or "total" < 20;
update "orders" set "note" = 'none' where "note" is null;
alter table "orders" alter column "note" set not null;
alter table "orders" add constraint "orders_note_unique" unique ("note", "id");
delete from "orders" where "total" = 10;
drop table "old_things";
insert into "knex_migrations" ("batch", "name") values (1, '20260302_notes.js');
COMMIT;`,
  },
  {
    name: 'Rails: a log',
    file: 'log/migrate.txt.sql',
    closed: true,
    text: `== 20260303 AddNumberToOrders: migrating ======================================
-- add_column(:orders, :number, :bigserial)
D, [2026-03-03T10:00:00.1 #1] DEBUG -- :    (1.2ms)  ALTER TABLE "orders" ADD "number" bigserial
   -> 0.0015s
D, [2026-03-03T10:00:00.2 #1] DEBUG -- :   TRANSACTION (0.2ms)  BEGIN
D, [2026-03-03T10:00:00.2 #1] DEBUG -- :    (0.7ms)  ALTER TABLE "orders" ADD "paid" boolean DEFAULT FALSE NOT NULL
D, [2026-03-03T10:00:00.2 #1] DEBUG -- :   ActiveRecord::SchemaMigration Create (0.3ms)  INSERT INTO "schema_migrations" ("version") VALUES ('20260303') RETURNING "version"
D, [2026-03-03T10:00:00.2 #1] DEBUG -- :   TRANSACTION (0.2ms)  COMMIT
== 20260303 AddNumberToOrders: migrated (0.0100s) =============================
`,
  },
  {
    name: 'a renamed table, an enum value, a widened type and the like',
    file: 'a.sql',
    closed: true,
    text: `ALTER TABLE orders RENAME TO purchases;
ALTER TYPE mood ADD VALUE 'happy';
ALTER TABLE "User" ADD COLUMN label varchar(10) UNIQUE, ADD COLUMN n int DEFAULT 1 CHECK (n > 0);
ALTER TABLE "User" ALTER COLUMN label TYPE varchar(30);
ALTER TABLE "User" ADD CONSTRAINT label_long CHECK (length(label) > 2);
ALTER TABLE "User" ADD COLUMN friend bigint REFERENCES "User" (id);
CREATE INDEX user_friend_idx ON "User" (friend);
CREATE INDEX ON "User" (name, kind);
CREATE INDEX loud_idx ON purchases (total);
UPDATE "User" SET "seenAt" = now() WHERE "seenAt" IS NULL;
ALTER TABLE "User" ALTER COLUMN kind DROP DEFAULT;
CREATE VIEW loud AS SELECT upper(name) AS name FROM "User";`,
  },
  {
    name: 'what cannot be split',
    file: 'b.sql',
    closed: false,
    same: false,
    text: `ALTER TABLE orders RENAME COLUMN note TO remark;
ALTER TABLE orders ALTER COLUMN total TYPE bigint;
UPDATE orders SET total = total + 1;
ALTER TYPE mood RENAME VALUE 'sad' TO 'unhappy';
ALTER TABLE orders ADD COLUMN twice int GENERATED ALWAYS AS (total * 2) STORED;
\\connect other
SELEC 1;`,
  },
];
