/** What tools put around the SQL of a migration, and their own bookkeeping in it: taken away, places kept. */
export const DIALECTS = ['prisma', 'drizzle', 'knex', 'rails', 'sql'] as const;

export type Dialect = (typeof DIALECTS)[number];

/** By where the file lies and what is in it. */
export function guessDialect(file: string, text: string): Dialect {
  if (/(?:^|[\\/])migration\.sql$/.test(file)) return 'prisma';
  if (BREAKPOINT.test(text)) return 'drizzle';
  if (RAILS_LOG.test(text)) return 'rails';
  return /\bknex_migrations\b/.test(text) ? 'knex' : 'sql';
}

const BREAKPOINT = /^\s*-->\s*statement-breakpoint\b.*$/m;
/** ` (1.2ms)  ALTER TABLE ...` and `D, [...] DEBUG -- :   Migration Load (0.3ms)  SELECT ...` */
const RAILS_LOG = /^(?:D, \[[^\]]*\] DEBUG -- : ?)?\s*(?:[A-Z][\w ]*)?\(\d+(?:\.\d+)?ms\)\s+/m;

export function plainSql(text: string, dialect: Dialect): string {
  switch (dialect) {
    case 'drizzle':
      // It stands for the end of a statement, which then need not have a semicolon.
      return text.replaceAll(new RegExp(BREAKPOINT, 'gm'), (line) => ';'.padEnd(line.length));
    case 'rails':
      return withoutOwn(fromLog(text));
    case 'knex':
    case 'prisma':
      return withoutOwn(text);
    case 'sql':
      return text;
  }
}

/** Only what was sent to the server; the rest is what Rails tells people. */
function fromLog(text: string): string {
  const escape = String.fromCodePoint(27);
  const lines = text.replaceAll(new RegExp(`${escape}\\[[\\d;]*m`, 'g'), '').split('\n');
  const isLog = lines.some((line) => RAILS_LOG.test(line));
  return lines
    .map((line) => {
      if (/^\s*(?:==|->|--\s*\w+\()/.test(line)) return '';
      const log = RAILS_LOG.exec(line);
      if (!log) return isLog && line.startsWith('D, ') ? '' : line;
      const sql = line
        .slice(log[0].length)
        .replace(/\s+\[\[.*\]\]\s*$/, '')
        .trimEnd();
      return /^(?:SELECT|SHOW)\b/i.test(sql) ? '' : `${sql}${sql.endsWith(';') ? '' : ';'}`;
    })
    .join('\n');
}

/** Statements about the tool's own table of what ran. */
const OWN =
  /^(?:\s*)(?:INSERT INTO|UPDATE|DELETE FROM|SELECT[^;]*FROM)\s+"?(?:public"?\."?)?(?:schema_migrations|ar_internal_metadata|knex_migrations(?:_lock)?|_prisma_migrations)"?\b[^;]*;/gim;

function withoutOwn(text: string): string {
  return text.replaceAll(OWN, (statement) => statement.replaceAll(/[^\n]/g, ' '));
}
