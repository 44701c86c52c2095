/** As much of Gherkin as the public suites of OpenFeature use: outlines, tables, backgrounds, tags, texts of features. */
export interface GherkinStep {
  readonly text: string;
  readonly table: readonly Readonly<Record<string, string>>[];
}

export interface Scenario {
  /** With the values of its row of examples in brackets. */
  readonly name: string;
  readonly outline: string;
  readonly tags: readonly string[];
  readonly steps: readonly GherkinStep[];
}

interface Draft {
  readonly name: string;
  readonly tags: readonly string[];
  readonly steps: { text: string; rows: string[][] }[];
  readonly examples: { readonly tags: readonly string[]; readonly rows: string[][] }[];
}

/** One scenario for each row of examples. */
export function scenariosOf(source: string): readonly Scenario[] {
  const drafts: Draft[] = [];
  const background: Draft['steps'] = [];
  let featureTags: string[] = [];
  let tags: string[] = [];
  let steps: Draft['steps'] = background;
  let rows: string[][] = [];
  // Texts between three quotes tell people something, and have tables, too.
  for (const raw of source.replace(/"""[^]*?"""/g, '').split('\n')) {
    const line = raw.trim();
    const [, keyword = '', rest = ''] =
      /^(Feature|Background|Scenario Outline|Scenarios|Scenario|Examples):\s*(.*)$/.exec(line) ?? [];
    if (line.startsWith('@')) tags.push(...line.split(/\s+/));
    else if (keyword === 'Feature') [featureTags, tags] = [tags, []];
    else if (keyword === 'Background') steps = background;
    else if (keyword === 'Scenario' || keyword === 'Scenario Outline') {
      drafts.push({ name: rest, tags: [...featureTags, ...tags], steps: [], examples: [] });
      [steps, tags] = [drafts.at(-1)?.steps ?? [], []];
    } else if (keyword === 'Examples' || keyword === 'Scenarios') {
      rows = [];
      drafts.at(-1)?.examples.push({ tags, rows });
      tags = [];
    } else if (line.startsWith('|')) rows.push(cellsOf(line));
    else if (/^(?:Given|When|Then|And|But) /.test(line)) {
      rows = [];
      steps.push({ text: line.replace(/^\w+ /, ''), rows });
    }
  }
  return drafts.flatMap((draft) => expanded(draft, background));
}

function expanded({ name, tags, steps, examples }: Draft, background: Draft['steps']): Scenario[] {
  const make = (more: readonly string[], values: Readonly<Record<string, string>>): Scenario => {
    const fill = (text: string) => text.replace(/<([^<>]+)>/g, (all, key: string) => values[key] ?? all);
    const filled = [...background, ...steps].map(({ text, rows }) => ({
      text: fill(text),
      table: recordsOf(rows.map((row) => row.map(fill))),
    }));
    const row = Object.values(values).join(', ');
    const full = row === '' ? name : `${name} (${row})`;
    return { name: full, outline: name, tags: [...tags, ...more], steps: filled };
  };
  if (examples.length === 0) return [make([], {})];
  return examples.flatMap((example) => recordsOf(example.rows).map((row) => make(example.tags, row)));
}

function cellsOf(line: string): string[] {
  return line
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
}

function recordsOf([head, ...rows]: readonly (readonly string[])[]): Readonly<Record<string, string>>[] {
  return rows.map((row) => Object.fromEntries((head ?? []).map((name, i) => [name, row[i] ?? ''])));
}
