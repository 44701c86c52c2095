/**
 * Loaded before every test file: properties are tried with the same cases each time, so that a change is
 * judged by what it changed. `SEGUE_SEED=random npm test` (or a number) looks where nobody has looked yet.
 */
import fc from 'fast-check';

const SEED = 20_261_123;

const wanted = process.env['SEGUE_SEED'];
if (wanted !== 'random') fc.configureGlobal({ seed: wanted === undefined ? SEED : Number(wanted) });
