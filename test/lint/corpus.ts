/** A text, and the rules that it breaks, in order: errors and warnings. None: it is safe. */
export type Case = readonly [sql: string, ...rules: readonly string[]];
