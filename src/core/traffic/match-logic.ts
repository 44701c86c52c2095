/**
 * What can be said of rules without any request: that nothing ever matches, or that an earlier one takes everything.
 * Sound, not complete: what it says is so, and where it cannot tell it says no.
 */
import { limits } from '../limits.ts';
import { type Atom, compareAtoms } from './match-atoms.ts';
import type { Match } from './rule.ts';

/** A condition, or that it does not hold. */
interface Literal {
  readonly atom: Atom;
  readonly holds: boolean;
}

/** All of these. */
type Term = readonly Literal[];

/** True: no request ever matches all of them. */
export function neverMatches(matches: readonly Match[]): boolean {
  const terms = termsOf({ type: 'all', of: matches }, true);
  return terms !== null && terms.every(isContradiction);
}

/** True: every request that matches `later` matches one of `earlier`, too. */
export function isCovered(later: Match, earlier: readonly Match[]): boolean {
  const terms = termsOf(later, true);
  const by = termsOf({ type: 'any', of: earlier }, true);
  if (terms === null || by === null) return false;
  return terms.every(
    (term) => isContradiction(term) || by.some((each) => each.every((literal) => follows(literal, term))),
  );
}

/** Any of these terms; null: there are too many to look at. */
function termsOf(match: Match, holds: boolean): Term[] | null {
  switch (match.type) {
    case 'not':
      return termsOf(match.match, !holds);
    case 'all':
    case 'any': {
      const parts = match.of.map((part) => termsOf(part, holds));
      return (match.type === 'all') === holds ? product(parts) : sum(parts);
    }
    default:
      return [[{ atom: match, holds }]];
  }
}

function sum(parts: readonly (readonly Term[] | null)[]): Term[] | null {
  const terms: Term[] = [];
  for (const part of parts) {
    if (part === null || terms.length + part.length > limits.file.termsMax) return null;
    terms.push(...part);
  }
  return terms;
}

function product(parts: readonly (readonly Term[] | null)[]): Term[] | null {
  let terms: Term[] = [[]];
  for (const part of parts) {
    if (part === null || terms.length * part.length > limits.file.termsMax) return null;
    terms = terms.flatMap((term) => part.map((more) => [...term, ...more]));
  }
  return terms;
}

function isContradiction(term: Term): boolean {
  return term.some((literal) => follows({ ...literal, holds: !literal.holds }, term));
}

/** True: whatever fits the term fits the literal. */
function follows({ atom, holds }: Literal, term: Term): boolean {
  return term.some((known) => {
    if (known.holds) return compareAtoms(known.atom, atom) === (holds ? 'within' : 'apart');
    return !holds && compareAtoms(atom, known.atom) === 'within';
  });
}
