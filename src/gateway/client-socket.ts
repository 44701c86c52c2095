/** What a client's connection needs of its transport: TCP, TLS, or one stream of HTTP/2. */
import type { Duplex } from 'node:stream';

export interface ClientSocket extends Duplex {
  readonly remoteAddress?: string | undefined;
  /** Closed once everything written has left. */
  destroySoon(): void;
}
