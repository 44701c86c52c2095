/**
 * The head of an HTTP/2 request as HTTP/1.1 says it (RFC 9113 s. 8.3.1), so that one scanner judges both (T6).
 * What could be read as another line, or as another framing, is never written down.
 */

export interface RequestText {
  readonly bytes: Buffer;
  readonly method: string;
  /** How the body is framed behind it. */
  readonly framing: 'none' | 'length' | 'chunked';
  readonly grpc: boolean;
}

/** RFC 9113 s. 8.2.2: says something about one connection of HTTP/1.1, and is malformed here. */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

const LINE_END = /[\r\n\0]/;
const GRPC = /^application\/grpc(?:$|[+;])/i;

/** `fields`: names and values in turn, as they came. Null: malformed. */
export function requestText(fields: readonly string[], endsWithHead: boolean): RequestText | null {
  const pseudo = new Map<string, string>();
  const lines: string[] = [];
  const cookies: string[] = [];
  let host: string | undefined;
  let hasLength = false;
  let grpc = false;
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = fields[at] ?? '';
    const value = fields[at + 1] ?? '';
    if (CONNECTION_FIELDS.has(name)) return null;
    if (name.startsWith(':')) pseudo.set(name, value);
    else if (name === 'cookie') cookies.push(value);
    else if (name === 'host') host = value;
    else {
      hasLength ||= name === 'content-length';
      grpc ||= name === 'content-type' && GRPC.test(value);
      lines.push(`${name}: ${value}`);
    }
  }
  const method = pseudo.get(':method') ?? '';
  const authority = pseudo.get(':authority');
  // RFC 9113 s. 8.2.3: crumbs of one field.
  if (cookies.length > 0) lines.push(`cookie: ${cookies.join('; ')}`);
  if (authority !== undefined && host !== undefined && authority.toLowerCase() !== host.toLowerCase())
    // Two hosts: the scanner refuses them as it does for HTTP/1.1.
    lines.unshift(`Host: ${host}`);
  const named = authority ?? host;
  if (named !== undefined) lines.unshift(`Host: ${named}`);
  const framing = bodyFraming(endsWithHead, hasLength);
  if (framing === 'chunked') lines.push('Transfer-Encoding: chunked');
  lines.unshift(`${method} ${pseudo.get(':path') ?? '*'} HTTP/1.1`);
  if (lines.some((line) => LINE_END.test(line))) return null;
  return { bytes: Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), method, framing, grpc };
}

function bodyFraming(endsWithHead: boolean, hasLength: boolean): RequestText['framing'] {
  if (endsWithHead) return 'none';
  return hasLength ? 'length' : 'chunked';
}

/** Trailers behind the last chunk. Null: malformed. */
export function lastChunk(trailers: readonly string[]): Buffer | null {
  let text = '0\r\n';
  for (let at = 0; at + 1 < trailers.length; at += 2) {
    const line = `${trailers[at] ?? ''}: ${trailers[at + 1] ?? ''}`;
    if (LINE_END.test(line) || line.startsWith(':')) return null;
    text += `${line}\r\n`;
  }
  return Buffer.from(`${text}\r\n`, 'latin1');
}
