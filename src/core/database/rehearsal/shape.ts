/** The tables as each version knows them. */
import { quoteTable } from '../identifier.ts';
import type { Differences, Link, Named } from './differences.ts';
import { columnOf, type CopyTable } from './table.ts';

/** From the tables as they were before the change; one that is half made has brought something already. */
export const oldShape = (tables: readonly CopyTable[], { brought }: Differences): readonly CopyTable[] =>
  without(tables, brought);

/** From the tables that both versions live with. */
export function newShape(tables: readonly CopyTable[], { taken, links }: Differences): readonly CopyTable[] {
  const withHeirs = tables.map((table) => {
    const heirs = heirsIn(table, links);
    const numbered = new Set(
      [...heirs].filter(([old]) => columnOf(table, old)?.numbered).map(([, heir]) => heir),
    );
    const columns = table.columns.map((column) =>
      // What the old column is given by its sequence, the new one gets from it.
      numbered.has(column.name) ? { ...column, numbered: true, hasDefault: true } : column,
    );
    const key = table.key?.map((name) => heirs.get(name) ?? name) ?? null;
    return { ...table, columns, key };
  });
  return without(withHeirs, taken);
}

/** Columns of which one takes the place of another. */
function heirsIn(table: CopyTable, links: readonly Link[]): ReadonlyMap<string, string> {
  return new Map(
    links.flatMap(({ table: on, olds, news }) => {
      const [old, ...moreOlds] = olds;
      const [heir, ...moreNews] = news;
      const isPair = moreOlds.length === 0 && moreNews.length === 0;
      return isPair && heir && old && old.expression !== null && quoteTable(on) === quoteTable(table.table)
        ? [[old.column, heir.column] as const]
        : [];
    }),
  );
}

function without(tables: readonly CopyTable[], names: Named): readonly CopyTable[] {
  return tables.flatMap((table) => {
    const gone = names.get(quoteTable(table.table));
    if (gone === undefined) return [table];
    if (gone === null) return [];
    const stays = (columns: readonly string[]) => !columns.some((name) => gone.has(name));
    return [
      {
        table: table.table,
        columns: table.columns.filter(({ name }) => !gone.has(name)),
        key: table.key !== null && stays(table.key) ? table.key : null,
        uniques: table.uniques.filter(stays),
        foreignKeys: table.foreignKeys.filter(({ columns }) => stays(columns)),
        checks: table.checks.filter(({ columns }) => stays(columns)),
      },
    ];
  });
}
