/** Flags that the gateway evaluates for the requests of a service. */
export interface EdgeFlags {
  /** With `*` for any text. */
  readonly names: readonly string[];
  /** Who the user is; null: the gateway's own cookie says. */
  readonly key: { readonly type: 'cookie' | 'header'; readonly name: string } | null;
}
