import { stripVTControlCharacters } from 'node:util';

export interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
}

/** Lines of a table whose cells may carry colours. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  paintTitle: (text: string) => string,
): readonly string[] {
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...rows.map((row) => widthOf(row[index] ?? ''))),
  );
  const line = (cells: readonly string[]) =>
    columns
      .map(({ align }, index) => {
        const cell = cells[index] ?? '';
        const padding = ' '.repeat((widths[index] ?? 0) - widthOf(cell));
        return align === 'left' ? cell + padding : padding + cell;
      })
      .join('   ')
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('───');
  return [paintTitle(line(columns.map(({ title }) => title))), paintTitle(rule), ...rows.map(line)];
}

const widthOf = (text: string) => stripVTControlCharacters(text).length;
