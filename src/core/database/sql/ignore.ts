/** Comments that switch rules off, each with a reason: `-- segue: ignore RULE because ...`. */
import type { Comment, Piece, Split } from './split.ts';
import { FILE_RULES } from './rules/files.ts';
import { type Hit } from './rules/rule.ts';

export interface Ignore {
  readonly rules: readonly string[];
  readonly at: number;
  /** The statement that it is for; null: the whole file. */
  readonly piece: Piece | null;
}

interface Ignores {
  readonly ignores: readonly Ignore[];
  readonly hits: readonly Hit[];
}

const IGNORE = /^(?:--|\/\*)\s*segue:\s*ignore(-file)?\b([\s\S]*)$/i;

export function readIgnores(text: string, split: Split, known: (rule: string) => boolean): Ignores {
  const ignores: Ignore[] = [];
  const hits: Hit[] = [];
  for (const comment of split.comments) {
    const match = IGNORE.exec(text.slice(comment.start, comment.end));
    if (!match) continue;
    const [list = '', reason = ''] = (match[2] ?? '').replace(/\*\/$/, '').split(/\bbecause\b([\s\S]*)/i);
    const rules = list.split(/[\s,]+/).filter(Boolean);
    const at = comment.start;
    const unknown = rules.filter((rule) => !known(rule));
    if (rules.length === 0) hits.push(said('ignore-unknown-rule', at, 'It names no rule.'));
    for (const rule of unknown) hits.push(said('ignore-unknown-rule', at, `There is no rule "${rule}".`));
    if (reason.trim() === '')
      hits.push(said('ignore-without-reason', at, 'It says no reason, and has no effect.'));
    else if (rules.length > unknown.length)
      ignores.push({
        rules: rules.filter(known),
        at,
        piece: match[1] === undefined ? pieceFor(text, comment, split.pieces) : null,
      });
  }
  return { ignores, hits };
}

function said(rule: keyof typeof FILE_RULES, at: number, message: string): Hit {
  const { severity, safe } = FILE_RULES[rule];
  return { rule, severity, at, message, safe: [safe] };
}

/** The statement around or after the comment, or the one that ends on its line before it. */
function pieceFor(text: string, { start }: Comment, pieces: readonly Piece[]): Piece | null {
  const next = pieces.findIndex((piece) => piece.end > start);
  const before = pieces[(next === -1 ? pieces.length : next) - 1];
  if (before && !text.slice(before.end, start).includes('\n')) return before;
  return pieces[next] ?? NOWHERE;
}

const NOWHERE: Piece = { type: 'meta', start: -1, end: -1, terminated: true, cuts: [] };

/** Hits that are left, with one more for each comment that had no use. */
export function applyIgnores(hits: readonly Hit[], ignores: readonly Ignore[]): readonly Hit[] {
  const used = new Set<string>();
  const left = hits.filter((hit) => {
    const ignore = ignores.find(
      ({ rules, piece }) =>
        rules.includes(hit.rule) && (!piece || (hit.at >= piece.start && hit.at <= piece.end)),
    );
    if (ignore) used.add(`${ignore.at} ${hit.rule}`);
    return !ignore;
  });
  const unused = ignores.flatMap(({ rules, at }) =>
    rules
      .filter((rule) => !used.has(`${at} ${rule}`))
      .map((rule) => said('ignore-unused', at, `"${rule}" has nothing to say here.`)),
  );
  return [...left, ...unused];
}
