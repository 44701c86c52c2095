/**
 * A file of SQL cut into statements as psql cuts it, so that one that cannot be parsed costs only itself:
 * strings, dollar quotes, nested comments, brackets, bodies in BEGIN ATOMIC, meta-commands, data of COPY.
 */
export interface Piece {
  readonly type: 'sql' | 'meta';
  /** Characters of the file; leading space and comments are not part of it, nor is the semicolon. */
  readonly start: number;
  readonly end: number;
  /** A file may leave out its last one; anywhere else it is missing. */
  readonly terminated: boolean;
  /** Meta-commands in the middle of it, such as \if: no part of the statement, and unreadable to a parser. */
  readonly cuts: readonly Comment[];
}

export interface Comment {
  readonly start: number;
  readonly end: number;
}

export interface Split {
  readonly pieces: readonly Piece[];
  readonly comments: readonly Comment[];
}

export function splitSql(text: string): Split {
  return new Splitter(text).split();
}

const IDENTIFIER = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
const NUMBER = /\d[\w.]*/y;
const COPY_STDIN = /^copy\b[\s\S]*\bfrom\s+stdin\b/i;
/** Meta-commands that send what was typed so far, as a semicolon does. */
const SENDS = /^\\(?:g|gx|gexec|gset|gdesc|crosstabview|watch)\b/;

/** The piece around a place; undefined between two. */
export function pieceAt(pieces: readonly Piece[], at: number): Piece | undefined {
  let low = 0;
  let high = pieces.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((pieces[middle]?.start ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  const found = pieces[low];
  return found && found.start <= at && at <= found.end ? found : undefined;
}

/** The statement as the parser gets it: every character is where it was. */
export function statementText(text: string, { start, end, cuts }: Piece): string {
  let whole = text.slice(start, end);
  for (const cut of cuts)
    whole =
      whole.slice(0, cut.start - start) + ' '.repeat(cut.end - cut.start) + whole.slice(cut.end - start);
  return whole;
}

class Splitter {
  readonly #text: string;
  readonly #pieces: Piece[] = [];
  readonly #comments: Comment[] = [];
  #at = 0;
  /** Of the statement under way; -1 before its first word. */
  #start = -1;
  #lastWord = 0;
  #brackets = 0;
  /** Where brackets do not balance they cannot say where a statement ends. */
  #bracketsCount = true;
  #heads: string[] = [];
  #atomicDepth = 0;
  #cuts: Comment[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  split(): Split {
    if (this.#text.startsWith('\uFEFF')) this.#at = 1;
    for (;;) {
      while (this.#at < this.#text.length) this.#step();
      if (this.#start === -1) break;
      if (this.#brackets > 0 && this.#bracketsCount) {
        this.#again(this.#start);
        continue;
      }
      this.#close(false);
      break;
    }
    return { pieces: this.#pieces, comments: this.#comments };
  }

  #again(start: number): void {
    this.#bracketsCount = false;
    while ((this.#comments.at(-1)?.start ?? -1) >= start) this.#comments.pop();
    this.#reset();
    this.#at = start;
  }

  #reset(): void {
    this.#start = -1;
    this.#brackets = 0;
    this.#heads = [];
    this.#atomicDepth = 0;
    this.#cuts = [];
  }

  #step(): void {
    const text = this.#text;
    const char = text[this.#at] ?? '';
    const next = text[this.#at + 1];
    if (char === '-' && next === '-') return this.#comment(endOfLine(text, this.#at));
    if (char === '/' && next === '*') return this.#block();
    if (char === ' ' || char === '\n' || char === '\r' || char === '\t' || char === '\f' || char === '\v') {
      this.#at += 1;
      return;
    }
    if (char === '\\') return this.#meta();
    if (char === ';') return this.#semicolon();
    if (this.#start === -1) this.#start = this.#at;
    this.#token(char);
    this.#lastWord = this.#at;
  }

  #token(char: string): void {
    if (char === "'") this.#at = this.#endOfString(this.#at, false);
    else if (char === '"') this.#at = this.#endOfQuoted();
    else if (char === '$') this.#dollar();
    else if (char === '(') this.#bracket(1);
    else if (char === ')') this.#bracket(-1);
    else if (char >= '0' && char <= '9') this.#at += this.#match(NUMBER)?.length ?? 1;
    else {
      const name = this.#match(IDENTIFIER);
      if (name === null) this.#at += 1;
      else this.#word(name);
    }
  }

  #word(name: string): void {
    this.#at += name.length;
    if (/^[eE]$/.test(name) && this.#text[this.#at] === "'") {
      this.#at = this.#endOfString(this.#at, true);
      return;
    }
    const lower = name.length <= 10 ? name.toLowerCase() : '';
    if (this.#heads.length < 4) this.#heads.push(lower);
    if (!this.#makesRoutine()) return;
    if (lower === 'begin' || (lower === 'case' && this.#atomicDepth > 0)) this.#atomicDepth += 1;
    if (lower === 'end' && this.#atomicDepth > 0) this.#atomicDepth -= 1;
  }

  #makesRoutine(): boolean {
    const [create, second, , fourth] = this.#heads;
    const kind = second === 'or' ? fourth : second;
    return create === 'create' && (kind === 'function' || kind === 'procedure');
  }

  #bracket(by: 1 | -1): void {
    this.#at += 1;
    if (this.#bracketsCount) this.#brackets = Math.max(0, this.#brackets + by);
  }

  #semicolon(): void {
    if (this.#start !== -1 && (this.#brackets > 0 || this.#atomicDepth > 0)) {
      this.#at += 1;
      this.#lastWord = this.#at;
      return;
    }
    this.#at += 1;
    if (this.#start === -1) return;
    const isCopy = this.#heads[0] === 'copy' && COPY_STDIN.test(this.#text.slice(this.#start, this.#at));
    this.#close(true);
    if (isCopy) this.#at = this.#endOfData();
  }

  #close(terminated: boolean): void {
    this.#pieces.push({ type: 'sql', start: this.#start, end: this.#lastWord, terminated, cuts: this.#cuts });
    this.#reset();
  }

  #comment(end: number): void {
    this.#comments.push({ start: this.#at, end });
    this.#at = end;
  }

  #block(): void {
    const end = this.#endOfBlock();
    if (end !== null) {
      this.#comment(end);
      return;
    }
    // One that never ends is left to the parser to complain about.
    if (this.#start === -1) this.#start = this.#at;
    this.#at = this.#text.length;
    this.#lastWord = this.#at;
  }

  #meta(): void {
    const end = endOfLine(this.#text, this.#at);
    const line = this.#text.slice(this.#at, end).trimEnd();
    if (this.#start !== -1 && SENDS.test(line)) this.#close(true);
    const place = { start: this.#at, end: this.#at + line.length };
    if (this.#start === -1) this.#pieces.push({ type: 'meta', ...place, terminated: true, cuts: [] });
    else this.#cuts.push(place);
    this.#at = end;
  }

  #dollar(): void {
    const tag = this.#match(DOLLAR_TAG);
    if (tag === null) {
      this.#at += 1;
      return;
    }
    const end = this.#text.indexOf(tag, this.#at + tag.length);
    this.#at = end === -1 ? this.#text.length : end + tag.length;
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.[0] ?? null;
  }

  #endOfString(start: number, escapes: boolean): number {
    const text = this.#text;
    for (let at = start + 1; at < text.length; at += 1) {
      if (escapes && text[at] === '\\') at += 1;
      else if (text[at] === "'") {
        if (text[at + 1] !== "'") return at + 1;
        at += 1;
      }
    }
    return text.length;
  }

  #endOfQuoted(): number {
    for (let from = this.#at + 1; ;) {
      const end = this.#text.indexOf('"', from);
      if (end === -1) return this.#text.length;
      if (this.#text[end + 1] !== '"') return end + 1;
      from = end + 2;
    }
  }

  #endOfBlock(): number | null {
    const marks = /\/\*|\*\//g;
    marks.lastIndex = this.#at;
    let depth = 0;
    for (let mark = marks.exec(this.#text); mark; mark = marks.exec(this.#text)) {
      depth += mark[0] === '/*' ? 1 : -1;
      if (depth === 0) return marks.lastIndex;
    }
    return null;
  }

  /** Past the line that is `\.`, or the end of the file. */
  #endOfData(): number {
    const mark = /^\\\.\r?$/gm;
    mark.lastIndex = this.#at;
    return mark.exec(this.#text) ? mark.lastIndex : this.#text.length;
  }
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end;
}
