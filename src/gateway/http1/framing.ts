/** Where a response ends (RFC 9112 s. 6.3), and in which form the client gets it. */
import { METHOD } from './method.ts';
import type { ResponseHead } from './response-head.ts';

/** How the instance frames it. */
export type Framing = 'none' | 'length' | 'chunked' | 'close';

const NO_CONTENT = 204;
const NOT_MODIFIED = 304;

/**
 * It has no body and says that it has one (RFC 9110 s. 8.6), or names a coding in a version that has none (RFC 9112
 * s. 6.1), so who knows what comes next on its connection.
 */
export function contradictsItself({ status, minor, fields }: ResponseHead): boolean {
  if (fields.chunked && minor === 0) return true;
  return status === NO_CONTENT && (fields.chunked || fields.contentLength > 0);
}

export function framingOf({ status, fields }: ResponseHead, method: number): Framing {
  if (method === METHOD.head || status === NO_CONTENT || status === NOT_MODIFIED) return 'none';
  if (fields.chunked) return 'chunked';
  return fields.contentLength >= 0 ? 'length' : 'close';
}
