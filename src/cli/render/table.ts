import type { Paint, Style } from './style.ts';

export interface Cell {
  readonly text: string;
  readonly style?: Style;
  readonly right?: boolean;
}

const GAP = '  ';

/** Columns as wide as they must be; colours do not count. Without a head only the rows. */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  paint: Paint,
  indent = '',
): string[] {
  const widths = rows.reduce(
    (seen, row) => row.map((cell, i) => Math.max(seen[i] ?? 0, cell.text.length)),
    head.map((name) => name.length),
  );
  const rights = rows[0]?.map((cell) => cell.right === true) ?? [];
  const line = (cells: readonly Cell[]) =>
    `${indent}${cells.map((cell, i) => padded(cell, widths[i] ?? 0, rights[i] ?? false, paint)).join(GAP)}`.trimEnd();
  const heading = head.length > 0 ? [line(head.map((text) => ({ text, style: 'dim' as const })))] : [];
  return [...heading, ...rows.map(line)];
}

function padded({ text, style }: Cell, width: number, right: boolean, paint: Paint): string {
  const painted = style ? paint(style, text) : text;
  const space = ' '.repeat(Math.max(0, width - text.length));
  return right ? space + painted : painted + space;
}
