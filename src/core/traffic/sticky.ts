/** What makes a client's requests meet the same version, and there the same instance, again. */
export type Sticky =
  /** A cookie of the gateway's own, good for this long after the last visit. */
  | { readonly type: 'cookie'; readonly name: string; readonly ttlMs: number }
  /** Something that the requests carry anyway. A request without it is nobody's. */
  | {
      readonly type: 'hash';
      readonly of:
        | { readonly type: 'header'; readonly name: string }
        | { readonly type: 'cookie'; readonly name: string }
        | { readonly type: 'address' };
    };
