/** An ADD COLUMN of a migration as steps that neither lock for long nor break the old version. */
import type { Alteration, Statement } from '../statement.ts';
import { child, keyOf, quoteName, showTable, type TableName, typeOf, word } from '../tree.ts';
import { volatilityOf } from '../volatility.ts';
import { columnText, constraintBody, defaultText } from './commands.ts';
import type { Importing } from './parts.ts';

const SERIAL_TYPES: Readonly<Record<string, string>> = {
  smallserial: 'smallint',
  serial2: 'smallint',
  serial: 'integer',
  serial4: 'integer',
  bigserial: 'bigint',
  serial8: 'bigint',
};

export function importColumn(
  into: Importing,
  statement: Statement,
  { table, column, name }: Alteration,
  command: string,
): void {
  const alter = `ALTER TABLE ${showTable(table)}`;
  const quoted = quoteName(name);
  const parts = columnText(statement, column, command);
  into.added.add(`${keyOf(table)}.${name}`);
  into.revert(`ALTER TABLE IF EXISTS ${showTable(table)} DROP COLUMN IF EXISTS ${quoted};`);
  const serial = SERIAL_TYPES[typeOf(child(column, 'typeName')).name];
  const has = (type: string) => parts?.constraints.find(({ node }) => word(node, 'contype') === type);
  if (
    !parts ||
    has('CONSTR_GENERATED') ||
    has('CONSTR_IDENTITY') ||
    has('CONSTR_PRIMARY') ||
    has('CONSTR_EXCLUSION')
  ) {
    into.expand(`${alter} ${command};`);
    const isFree = word(has('CONSTR_GENERATED')?.node ?? {}, 'generated_kind') === 'v';
    if (!isFree)
      into.open(
        statement,
        `${quoted} cannot be added without working on the whole table under a lock: it is in expand.sql as it was.`,
      );
    return;
  }
  const value = has('CONSTR_DEFAULT');
  const given = value ? defaultText(value.text) : null;
  const isSteady = !value || volatilityOf(child(value.node, 'raw_expr'), into.state.server).type === 'steady';
  const isRequired = has('CONSTR_NOTNULL') !== undefined || serial !== undefined;
  // What stays in the ADD COLUMN: what costs nothing there.
  const kept = parts.constraints.filter(({ node }) => {
    const type = word(node, 'contype');
    if (type === 'CONSTR_DEFAULT') return isSteady;
    if (type === 'CONSTR_NOTNULL') return value !== undefined && isSteady;
    return type === 'CONSTR_FOREIGN' ? !value : !['CONSTR_UNIQUE', 'CONSTR_CHECK'].includes(type);
  });
  const head = serial === undefined ? parts.head : `${quoted} ${serial}`;
  into.expand(`${alter} ADD COLUMN ${[head, ...kept.map(({ text }) => text)].join(' ')};`);
  const sequence = `${table.name}_${name}_seq`;
  const later =
    serial === undefined
      ? isSteady
        ? null
        : given
      : `nextval('${quoteName(sequence).replaceAll("'", "''")}')`;
  if (serial !== undefined)
    into.expand(`CREATE SEQUENCE ${quoteName(sequence)} OWNED BY ${showTable(table)}.${quoted};`);
  if (later !== null) {
    into.expand(`${alter} ALTER COLUMN ${quoted} SET DEFAULT ${later};`);
    into.backfill(batch(table, `${quoted} = ${later}`, `${quoted} IS NULL`));
  }
  if (isRequired && (later !== null || !value)) {
    into.contract(...requiredLater(into, table, name));
    if (later === null)
      into.open(
        statement,
        `Rows that are there have no ${quoted}, and the old version writes none: fill it in backfill.sql before contract.sql requires it.`,
      );
  }
  for (const { node, text } of parts.constraints)
    if (!kept.some((each) => each.node === node))
      constrain(into, { table, name, type: word(node, 'contype'), given: word(node, 'conname'), text });
}

interface Constrained {
  readonly table: TableName;
  readonly name: string;
  readonly type: string;
  readonly given: string;
  readonly text: string;
}

/** The old version writes nothing into the column, so nothing waits for its end. */
function constrain(into: Importing, { table, name, type, given, text }: Constrained): void {
  const alter = `ALTER TABLE ${showTable(table)}`;
  const column = quoteName(name);
  if (type === 'CONSTR_UNIQUE') {
    const key = quoteName(given || `${table.name}_${name}_key`);
    into.expand(
      `CREATE UNIQUE INDEX CONCURRENTLY ${key} ON ${showTable(table)} (${column});`,
      `${alter} ADD CONSTRAINT ${key} UNIQUE USING INDEX ${key};`,
    );
  }
  if (type === 'CONSTR_CHECK' || type === 'CONSTR_FOREIGN') {
    const constraint = quoteName(
      given || `${table.name}_${name}_${type === 'CONSTR_CHECK' ? 'check' : 'fkey'}`,
    );
    const body =
      type === 'CONSTR_CHECK' ? constraintBody(text) : `FOREIGN KEY (${column}) ${constraintBody(text)}`;
    into.expand(
      `${alter} ADD CONSTRAINT ${constraint} ${body} NOT VALID;`,
      `${alter} VALIDATE CONSTRAINT ${constraint};`,
    );
  }
}

/** NOT NULL without a scan under a lock; from PostgreSQL 12 the server believes the check. */
export function requiredLater(into: Importing, table: TableName, column: string): readonly string[] {
  const alter = `ALTER TABLE ${showTable(table)}`;
  const check = quoteName(`${table.name}_${column}_not_null`);
  const first = [
    `${alter} ADD CONSTRAINT ${check} CHECK (${quoteName(column)} IS NOT NULL) NOT VALID;`,
    `${alter} VALIDATE CONSTRAINT ${check};`,
  ];
  if (!into.state.server.atLeast(12)) return first;
  return [
    ...first,
    `${alter} ALTER COLUMN ${quoteName(column)} SET NOT NULL;`,
    `${alter} DROP CONSTRAINT ${check};`,
  ];
}

/** As a backfill runs it: again and again, :rows at a time, until there is nothing left. */
export function batch(table: TableName, set: string, where: string): string {
  return [
    `UPDATE ${showTable(table)} SET ${set}`,
    `WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${showTable(table)} WHERE ${where} LIMIT :rows FOR UPDATE));`,
  ].join('\n');
}
