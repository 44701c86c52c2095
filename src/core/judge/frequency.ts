/**
 * How often stable does what counts as bad: rarely, as errors and the slowest requests, or often, as requests slower
 * than the median. Of rare things a doubling is hard to see and fifty times as many are possible; of common ones a
 * tenth more is plain and more than a few times as many cannot be. It decides which ratios are looked for.
 */
export type Frequency = 'rare' | 'common';
