/** YAML text to a tree with places, or the places where it is not YAML that Segue takes. */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { type Entry, type Spot, type Tree, TreeBudget } from './tree.ts';

export interface YamlProblem {
  readonly spot: Spot;
  readonly message: string;
}

export type YamlResult =
  | { readonly ok: true; readonly tree: Tree }
  | { readonly ok: false; readonly problems: readonly YamlProblem[] };

export function readYaml(text: string): YamlResult {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent' });
  const problems = [...document.errors, ...document.warnings].map((problem) => ({
    spot: spotAt(lines, problem.pos[0]),
    message: explain(problem.code, problem.message),
  }));
  if (problems.length > 0) return { ok: false, problems };
  const reader = new Reader(document, lines);
  const tree = reader.read(document.contents, { line: 1, column: 1 }, 0);
  return reader.problems.length > 0 ? { ok: false, problems: reader.problems } : { ok: true, tree };
}

function explain(code: string, message: string): string {
  if (code === 'DUPLICATE_KEY') return 'this key is given twice; expected each key once';
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here; expected one';
  if (code === 'TAB_AS_INDENT') return 'a tab; expected spaces for the indentation';
  return `not valid YAML: ${message}`;
}

function spotAt(lines: LineCounter, offset: number): Spot {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

class Reader {
  readonly problems: YamlProblem[] = [];
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #budget = new TreeBudget();

  constructor(document: Document, lines: LineCounter) {
    this.#document = document;
    this.#lines = lines;
  }

  /** `near` is the place of a value that has none of its own, such as the nothing after `key:`. */
  read(node: unknown, near: Spot, depth: number): Tree {
    const spot = this.#spot(node, near);
    const nothing: Tree = { kind: 'scalar', spot, value: null, source: '' };
    if (this.problems.length > 0) return nothing;
    const tooMuch = this.#budget.spend(depth);
    if (tooMuch) return this.#refuse(tooMuch, nothing);
    if (isAlias(node)) {
      const target = node.resolve(this.#document);
      return target ? this.#moved(this.read(target, spot, depth + 1), spot) : nothing;
    }
    if (isMap(node)) return this.#readMap(node.items, spot, depth);
    if (isSeq(node))
      return { kind: 'list', spot, items: node.items.map((item) => this.read(item, spot, depth + 1)) };
    if (!isScalar(node) || node.value === null) return nothing;
    const { value } = node;
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
      return this.#refuse('a value of a kind that Segue does not read', nothing);
    return { kind: 'scalar', spot, value, source: node.source ?? String(value) };
  }

  #readMap(items: readonly { key: unknown; value: unknown }[], spot: Spot, depth: number): Tree {
    const entries = new Map<string, Entry>();
    for (const { key, value } of items) {
      const keySpot = this.#spot(key, spot);
      const name = isScalar(key) ? key.value : null;
      if (typeof name !== 'string' && typeof name !== 'number' && typeof name !== 'boolean') {
        this.problems.push({ spot: keySpot, message: 'this key is not a word; expected one' });
        continue;
      }
      entries.set(String(name), { keySpot, tree: this.read(value, keySpot, depth + 1) });
    }
    return { kind: 'map', spot, entries };
  }

  /** What an alias stands for is reported where the alias is. */
  #moved(tree: Tree, spot: Spot): Tree {
    return { ...tree, spot };
  }

  #refuse(message: string, nothing: Tree): Tree {
    this.problems.push({ spot: nothing.spot, message });
    return nothing;
  }

  #spot(node: unknown, near: Spot): Spot {
    const range = isAlias(node) || isMap(node) || isSeq(node) || isScalar(node) ? node.range : undefined;
    return range ? spotAt(this.#lines, range[0]) : near;
  }
}
