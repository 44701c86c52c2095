/**
 * Lint of plain SQL: each file is cut into statements, each statement parsed by PostgreSQL's own grammar and held
 * against the rules, with what the statements before it did. Nothing here touches a database.
 */
import { limits } from '../../limits.ts';
import { callsOf, type Grammar, nameOfFunction, readBody } from './bodies.ts';
import { FileState, type Phase } from './file-state.ts';
import type { Finding } from './finding.ts';
import { History } from './history.ts';
import { applyIgnores, readIgnores } from './ignore.ts';
import { Lines } from './lines.ts';
import { FILE_RULES } from './rules/files.ts';
import { CHECKS, checkWholeFile, RULES } from './rules/index.ts';
import type { Hit } from './rules/rule.ts';
import type { Server } from './server.ts';
import { type Piece, pieceAt, splitSql, type Split, statementText } from './split.ts';
import type { Statement } from './statement.ts';

export interface SqlFile {
  /** As it is shown. */
  readonly name: string;
  readonly text: string;
}

export interface LintOptions {
  readonly server: Server;
  /** The tool that runs the files puts each into one transaction. */
  readonly inTransaction: boolean;
}

/** In the order of the files, which is taken for the order in which they run. */
export function lintFiles(
  files: readonly SqlFile[],
  grammar: Grammar,
  options: LintOptions,
): readonly Finding[] {
  const history = new History();
  return files.flatMap((file) => new FileLint(file, grammar, history, options).findings());
}

/** expand.sql and its like in a change folder. */
export function phaseOf(name: string): Phase | null {
  const [, phase] = /(?:^|[\\/])(expand|backfill|contract|revert)\.sql$/.exec(name) ?? [];
  return phase === 'expand' || phase === 'backfill' || phase === 'contract' || phase === 'revert'
    ? phase
    : null;
}

class FileLint {
  readonly #file: SqlFile;
  readonly #grammar: Grammar;
  readonly #state: FileState;
  readonly #hits: Hit[] = [];
  /** Those that run, in their order; of the whole file, for what only that shows. */
  readonly #ran: Statement[] = [];
  readonly #functions = new Map<string, Statement>();
  #insertsRead = 0;

  constructor(file: SqlFile, grammar: Grammar, history: History, { server, inTransaction }: LintOptions) {
    this.#file = file;
    this.#grammar = grammar;
    this.#state = new FileState(server, history, { phase: phaseOf(file.name), inTransaction });
  }

  findings(): readonly Finding[] {
    const { text } = this.#file;
    const split = splitSql(text);
    const skipped = sectionsNotRun(text, split);
    const pieces = split.pieces.filter(
      ({ start }) => !skipped.some(([from, to]) => start >= from && start < to),
    );
    for (const piece of pieces) this.#readPiece(piece);
    this.#keep(checkWholeFile(this.#ran, this.#state));
    const { ignores, hits } = readIgnores(text, split, (rule) => Object.hasOwn(RULES, rule));
    const left = [...applyIgnores(this.#hits, ignores), ...hits].toSorted((a, b) => a.at - b.at);
    const lines = new Lines(text);
    return left.map((hit) => this.#finding(hit, split.pieces, lines));
  }

  #finding({ rule, severity, at, message, safe }: Hit, pieces: readonly Piece[], lines: Lines): Finding {
    const piece = pieceAt(pieces, at);
    const end = lines.placeOf(piece?.end ?? at);
    return {
      rule,
      severity,
      file: this.#file.name,
      ...lines.placeOf(at),
      endLine: end.line,
      endColumn: end.column,
      message,
      safe,
    };
  }

  #readPiece(piece: Piece): void {
    if (piece.type === 'meta') {
      const command = this.#file.text.slice(piece.start, piece.end);
      if (/^\\(?:i|ir|include|include_relative)\b/.test(command))
        this.#say('unread-statement', piece.start, `${command} reads another file: lint that one as well.`);
      return;
    }
    const text = statementText(this.#file.text, piece);
    if (this.#isData(text)) return;
    if (text.length > limits.lint.statementCharsMax) {
      this.#say('unread-statement', piece.start, `A statement of ${text.length} characters is not read.`);
      return;
    }
    const parsed = this.#parse(text);
    if (!parsed.ok) {
      this.#say('syntax-error', piece.start + parsed.at, `${capital(parsed.message)}.`);
      return;
    }
    for (const each of parsed.statements) this.#check({ ...each, text, base: piece.start, inBody: false }, 0);
  }

  /** Rows of a dump: nothing to find in them, and a file can have a million. */
  #isData(text: string): boolean {
    if (!/^insert\b/i.test(text)) return false;
    this.#insertsRead += 1;
    const isMany = this.#insertsRead > limits.lint.insertsMax || text.length > limits.lint.statementCharsMax;
    return isMany && !/\bselect\b/i.test(text.slice(0, 1_000));
  }

  /** A second time without psql's variables, each of which stands for a name or a value. */
  #parse(text: string): ReturnType<Grammar['parse']> {
    const parsed = this.#grammar.parse(text);
    if (parsed.ok || !PSQL_VARIABLE.test(text)) return parsed;
    // As long as they were, so that places stay what they are.
    const without = this.#grammar.parse(
      text.replaceAll(PSQL_VARIABLES, (_, name: string) => `${/^\w/.test(name) ? '_' : ' '}${name}`),
    );
    return without.ok ? without : parsed;
  }

  #check(statement: Statement, depth: number): void {
    const state = this.#state;
    for (const check of CHECKS) this.#keep(check(statement, state));
    if (statement.kind === 'DoStmt') this.#checkBody(statement, null, depth);
    if (statement.kind === 'CreateFunctionStmt') this.#functions.set(nameOfFunction(statement), statement);
    for (const name of callsOf(statement)) {
      const called = this.#functions.get(name);
      if (called) this.#checkBody(called, statement.base + statement.start, depth);
    }
    this.#ran.push(statement);
    state.advance(statement);
  }

  #checkBody(statement: Statement, at: number | null, depth: number): void {
    if (depth >= limits.lint.bodyDepthMax) return;
    this.#state.inBody(statement.base + statement.start, () => {
      for (const inside of readBody(statement, this.#grammar, at)) {
        if (inside.type === 'unread') this.#say('unread-statement', inside.at, inside.why);
        else for (const each of inside.statements) this.#check(each, depth + 1);
      }
    });
  }

  #keep(hits: Iterable<Hit>): void {
    const { phase } = this.#state;
    for (const hit of hits)
      if (phase === null || RULES[hit.rule]?.quietIn?.includes(phase) !== true) this.#hits.push(hit);
  }

  #say(rule: keyof typeof FILE_RULES, at: number, message: string): void {
    const { severity, safe } = FILE_RULES[rule];
    this.#hits.push({ rule, severity, at, message, safe: [safe] });
  }
}

const PSQL_VARIABLE = /(?<![:\w]):(?:'\w+'|"\w+"|[A-Za-z_]\w*)/;
const PSQL_VARIABLES = /(?<![:\w]):('\w+'|"\w+"|[A-Za-z_]\w*)/g;

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** The way down in files of goose, dbmate and sql-migrate, which runs on another day: from and to. */
function sectionsNotRun(text: string, { comments }: Split): readonly (readonly [number, number])[] {
  const marks = comments.flatMap(({ start, end }) => {
    const [, way] = /^--\s*(?:\+goose|\+migrate|migrate:)\s*(up|down)\b/i.exec(text.slice(start, end)) ?? [];
    return way === undefined ? [] : [{ start, isDown: way.toLowerCase() === 'down' }];
  });
  return marks.flatMap(({ start, isDown }, i) =>
    isDown ? [[start, marks[i + 1]?.start ?? text.length] as const] : [],
  );
}
