/** Writes the parts of docs/ that are made from code. A test fails when they are stale: `npm run docs`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileReference } from './docs-file.ts';
import { type ExampleKind, examplePlan } from './docs-plans.ts';
import { RULE_TOPICS } from '../src/core/database/sql/rules/index.ts';
import { ERRORS } from '../src/core/errors.ts';

/** Everything between two markers of a page. */
interface MadePart {
  readonly page: string;
  /** What it is made from, as the marker says it. */
  readonly from: string;
  readonly make: () => string;
}

const PLANS: readonly (readonly [strategy: string, instances: number, kind?: ExampleKind])[] = [
  ['rolling', 2],
  ['{ type: blue-green, preview: 2m, bake: 5m }', 2],
  ['{ type: canary, steps: [{ weight: 5, until: evidence }, { weight: 50, for: 10m }] }', 4],
  [
    '{ type: canary, steps: [{ weight: 10, until: evidence }, { flag: checkout-v2, until: evidence }, { weight: 50, flag: checkout-v2, for: 1h }] }',
    2,
  ],
  ['handover', 1],
  ['{ type: rolling, bake: 5m }', 2, 'worker'],
];

const PARTS: readonly MadePart[] = [
  { page: 'docs/errors.md', from: 'src/core/errors.ts', make: errorsMarkdown },
  { page: 'docs/file.md', from: 'src/wire/file', make: fileReference },
  { page: 'docs/database-lint.md', from: 'src/core/database/sql/rules', make: rulesMarkdown },
  ...PLANS.map(([strategy, instances, kind = 'web']) => ({
    page: 'docs/releases.md',
    from: `src/core/strategy, ${kind === 'worker' ? 'worker, ' : ''}${strategy}`,
    make: () => examplePlan(strategy, instances, kind),
  })),
];
const END = '<!-- end -->';

const EXITS: readonly (readonly [exit: number, meaning: string])[] = [
  [1, 'unexpected'],
  [2, 'wrong usage or file'],
  [3, 'rolled back'],
  [4, 'still waiting'],
  [5, 'refused before anything was changed'],
];

function errorsMarkdown(): string {
  const sections = EXITS.map(([exit, meaning]) => {
    const entries = Object.entries(ERRORS)
      .filter(([, error]) => error.exit === exit)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(
        ([code, { what, next, http }]) => `### \`${code}\`\n\n${what} (HTTP ${http})\n\nWhat to do: ${next}`,
      );
    return [`## Exit code ${exit}: ${meaning}`, ...entries].join('\n\n');
  });
  return sections.join('\n\n');
}

function rulesMarkdown(): string {
  const head = ['Rule', 'Level', 'Lock', 'What it does', 'Safe'];
  return RULE_TOPICS.map(([topic, rules]) => {
    const rows = Object.entries(rules).map(([code, { severity, lock, what, safe }]) => [
      `\`${code}\``,
      severity,
      lock ?? '',
      what,
      safe,
    ]);
    return `### ${topic}\n\n${tableMarkdown([head, ...rows])}`;
  }).join('\n\n');
}

/** As the formatter writes it: columns as wide as their widest cell. */
function tableMarkdown([head = [], ...rows]: readonly (readonly string[])[]): string {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** The pages that have a part made from code. */
export const MADE_PAGES: readonly string[] = [...new Set(PARTS.map(({ page }) => page))];

/** The page with its generated parts made anew. */
export function renderPage(page: string, text: string): string {
  return PARTS.filter((part) => part.page === page).reduce(replacePart, text);
}

function replacePart(text: string, { page, from, make }: MadePart): string {
  const marker = `<!-- begin: made from ${from} by "npm run docs" -->`;
  const begin = text.indexOf(marker);
  const end = text.indexOf(END, begin);
  if (begin === -1 || end === -1) throw new Error(`${page} has lost its markers: ${marker} ... ${END}`);
  return `${text.slice(0, begin)}${marker}\n\n${make()}\n\n${text.slice(end)}`;
}

if (import.meta.main)
  for (const page of MADE_PAGES) {
    const file = join(import.meta.dirname, '..', page);
    writeFileSync(file, renderPage(page, readFileSync(file, 'utf8')));
  }
