/** The sections as people read them. */
import { styleText } from 'node:util';
import { renderTable, type Cell } from '../../src/cli/render/table.ts';
import type { Paint } from '../../src/cli/render/style.ts';
import { formatBytes } from '../../src/core/units.ts';
import { isMissed, type Figure, type Section, type Unit } from './figure.ts';
import type { Machine } from './machine.ts';

const WIDTH = 100;
/** From here on the figures are as much about the others. */
const BUSY_PERCENT = 20;
const HEAD = ['', 'median', 'min', 'max', 'rounds', 'target', ''];

const paint: Paint = (style, text) => styleText(style, text, { stream: process.stdout });

export function printMachine({ cores, processor, memoryBytes, system, node, busyPercent }: Machine): void {
  const text = `${cores} cores (${processor}), ${formatBytes(memoryBytes)}, ${system}, Node ${node}`;
  console.log(`${paint('bold', 'What a release costs')}, on ${text};`);
  const busy = `others used ${Math.round(busyPercent)}% of the machine right before.`;
  console.log(
    busyPercent < BUSY_PERCENT ? busy : paint('yellow', `${busy} Expect noise: run it again later.`),
  );
}

export function printSection({ title, how, figures }: Section): void {
  console.log(`\n${paint('bold', title)}`);
  for (const line of wrapped(how)) console.log(paint('dim', line));
  for (const line of renderTable(HEAD, figures.map(rowOf), paint, '  ')) console.log(line);
}

export function printParagraph(text: string): void {
  console.log();
  for (const line of wrapped(text)) console.log(line);
}

function rowOf(figure: Figure): readonly Cell[] {
  const { name, unit, spread, atMost, isPart } = figure;
  const number = (value: number): Cell => ({ text: format(value, unit), right: true });
  return [
    isPart ? { text: `  ${name}`, style: 'dim' } : { text: name },
    number(spread.median),
    number(spread.min),
    number(spread.max),
    { text: String(spread.rounds), right: true, style: 'dim' },
    { text: atMost === null ? '' : `at most ${format(atMost, unit)}`, right: true },
    verdictOf(figure),
  ];
}

function verdictOf(figure: Figure): Cell {
  if (figure.atMost === null) return { text: '' };
  return isMissed(figure) ? { text: 'missed', style: 'red' } : { text: 'ok', style: 'green' };
}

function format(value: number, unit: Unit): string {
  switch (unit) {
    case 'ms':
      return `${Math.abs(value) < 9.95 ? value.toFixed(1) : Math.round(value)} ms`;
    case 'times':
      return `${value.toFixed(2)}x`;
    case 'percent':
      return `${value.toFixed(0)}%`;
    case 'per second':
      return `${Math.round(value)}/s`;
  }
}

function wrapped(text: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
