/** The head of an HTTP/2 response as HTTP/1.1 says it, for the one scanner that judges both (T6). */

export interface ResponseText {
  readonly bytes: Buffer;
  readonly framing: 'none' | 'length' | 'chunked';
}

const LINE_END = /[\r\n\0]/;
const LENGTH = 'content-length';

/**
 * `fields`: names and values in turn. `body`: what follows the head; after an answer to HEAD nothing does, and what
 * would have is not known. Null: malformed.
 */
export function responseText(
  fields: readonly string[],
  body: 'interim' | 'head' | 'none' | 'body',
): ResponseText | null {
  const lines: string[] = [];
  let status = '';
  let hasLength = false;
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = fields[at] ?? '';
    const value = fields[at + 1] ?? '';
    if (name === ':status') status = value;
    else {
      hasLength ||= name === LENGTH;
      lines.push(`${name}: ${value}`);
    }
  }
  const framing = body === 'body' ? (hasLength ? 'length' : 'chunked') : 'none';
  if (framing === 'chunked') lines.push('transfer-encoding: chunked');
  else if (body === 'none' && !hasLength && mayHaveLength(status)) lines.push(`${LENGTH}: 0`);
  lines.unshift(`HTTP/1.1 ${status} `);
  if (lines.some((line) => LINE_END.test(line))) return null;
  return { bytes: Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), framing };
}

/** RFC 9110 s. 8.6: 204 and 304 have no body to be told from. */
const mayHaveLength = (status: string) => status !== '204' && status !== '304';
