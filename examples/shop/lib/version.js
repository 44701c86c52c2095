import { readFileSync } from 'node:fs';

/**
 * A version is its files: `version.json` makes one differ from the next, and makes bad ones to practise on.
 *
 * never-ready        /readyz never passes
 * broken-home        ready, but the home page answers 500
 * crash-after-ready  ends `delayMs` after it was first found ready
 * crash-at-start     ends before it listens
 * ignores-sigterm    does not stop when asked
 * wrong-port         listens on another port than PORT
 * slow-start         listens after `delayMs`
 * fails-some         answers 500 to `share` of the requests
 * broken-login       the page to log in answers 500, everything else works
 * leaks              keeps 128 KB of every request, and works
 *
 * Any of them may take its time: `takes: { "medianMs": 10, "p99Ms": 40 }` is how long pages take, as with a database.
 */
const BEHAVIOURS = [
  'good',
  'never-ready',
  'broken-home',
  'crash-after-ready',
  'crash-at-start',
  'ignores-sigterm',
  'wrong-port',
  'slow-start',
  'fails-some',
  'broken-login',
  'leaks',
];

export function readVersion() {
  const file = new URL('../version.json', import.meta.url);
  const {
    name,
    behaviour = 'good',
    delayMs = 2_000,
    share = 0.5,
    takes = null,
    accent = '#0f766e',
    headline = 'Small things, made well',
  } = JSON.parse(readFileSync(file, 'utf8'));
  if (!BEHAVIOURS.includes(behaviour)) throw new Error(`version.json: unknown behaviour "${behaviour}"`);
  return {
    name: process.env.SEGUE_VERSION ?? name ?? 'dev',
    instance: process.env.SEGUE_INSTANCE ?? `${process.pid}`,
    behaviour,
    delayMs,
    share,
    takes,
    accent,
    headline,
  };
}
