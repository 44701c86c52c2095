/**
 * A request for an event stream that came whole in the first bytes of a connection. Such a connection never becomes
 * HTTP's: a stream costs its socket and little more. What is not as plain as can be is left to Node's own parser.
 */
import { OFREP_STREAM_PATH } from '../../core/flags/ofrep.ts';
import { limits } from '../../core/limits.ts';

export interface StreamRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

const FIRST = /^GET (\S+) HTTP\/1\.1$/;
const LINE = /^([A-Za-z][A-Za-z0-9-]*):[ ]*([\x21-\x7e]?(?:[\x20-\x7e]*[\x21-\x7e])?)[ ]*$/;
/** There would be a body, or another protocol. */
const NOT_PLAIN = new Set(['content-length', 'transfer-encoding', 'upgrade', 'expect', 'trailer']);
const HEAD_END = '\r\n\r\n';

/** Null: it is something else, or not for us to say. */
export function streamRequest(bytes: Buffer): StreamRequest | null {
  if (bytes.length > limits.flags.streamHeadBytesMax) return null;
  const text = bytes.toString('latin1');
  if (!text.startsWith(`GET ${OFREP_STREAM_PATH}`) || !text.endsWith(HEAD_END)) return null;
  const [first = '', ...lines] = text.slice(0, -HEAD_END.length).split('\r\n');
  const [, url] = FIRST.exec(first) ?? [];
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name = '', value = ''] = LINE.exec(line) ?? [];
    const key = name.toLowerCase();
    if (key === '' || NOT_PLAIN.has(key) || headers.has(key)) return null;
    headers.set(key, value);
  }
  if (url === undefined || !headers.has('host')) return null;
  return { url, headers: Object.fromEntries(headers) };
}
