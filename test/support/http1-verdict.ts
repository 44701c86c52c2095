/** What our own scanners make of a stream of bytes, without sockets. */
import { ChunkedBody } from '../../src/gateway/http1/chunked-body.ts';
import { framingOf } from '../../src/gateway/http1/framing.ts';
import { METHOD } from '../../src/gateway/http1/method.ts';
import { RequestHead } from '../../src/gateway/http1/request-head.ts';
import { ResponseHead } from '../../src/gateway/http1/response-head.ts';

export interface SeenRequest {
  readonly method: string;
  readonly target: string;
  /** Names in lower case and values. */
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string;
  readonly complete: boolean;
}

export interface Verdict {
  readonly requests: readonly SeenRequest[];
  readonly refusal: string | undefined;
}

interface Options {
  /** Most of llhttp's cases have no `Host`, which is another rule than the one they are about. */
  readonly hostOptional?: boolean;
}

export function readRequests(input: Buffer, { hostOptional = false }: Options = {}): Verdict {
  const head = new RequestHead();
  const requests: SeenRequest[] = [];
  let at = 0;
  while (at < input.length) {
    const scan = head.scan(input, at, input.length);
    if (scan === 'incomplete') break;
    const hostless = hostOptional && scan === 'not-clear' && head.fields.hosts === 0;
    if (scan !== 'complete' && !hostless) return { requests, refusal: scan };
    const { fields } = head;
    const seen = {
      method: input.toString('latin1', head.methodFrom, head.methodTo),
      target: input.toString('latin1', head.pathFrom, head.pathTo),
      fields: fieldsOf(input, head),
    };
    const body = bodyOf(input, fields.chunked ? 'chunked' : Math.max(0, fields.contentLength), head.end);
    if (body === undefined) return { requests, refusal: 'malformed' };
    requests.push({ ...seen, body: body.text, complete: body.complete });
    const last = fields.close || (head.minor === 0 && !fields.keepAlive) || fields.upgrade;
    if (!body.complete) break;
    at = body.end;
    // The gateway throws it away with the connection.
    if (last) return { requests, refusal: at < input.length && !fields.upgrade ? 'unread' : undefined };
  }
  return { requests, refusal: undefined };
}

/** Why a response is refused; undefined: it is not. */
export function readResponse(input: Buffer): string | undefined {
  const head = new ResponseHead();
  let at = 0;
  while (at < input.length) {
    const scan = head.scan(input, at, input.length);
    if (scan === 'incomplete') return undefined;
    if (scan !== 'complete') return scan;
    if (head.status === 101) return undefined;
    const { fields } = head;
    const framing = head.status < 200 ? 'none' : framingOf(head, METHOD.get);
    const body = bodyOf(input, framing === 'chunked' ? 'chunked' : lengthOf(framing, fields), head.end);
    if (body === undefined) return 'malformed';
    if (framing === 'close' || !body.complete) return undefined;
    at = body.end;
    if (fields.close) return at < input.length ? 'unread' : undefined;
  }
  return undefined;
}

const lengthOf = (framing: string, { contentLength }: { contentLength: number }) =>
  framing === 'length' ? contentLength : 0;

function fieldsOf(input: Buffer, { fields }: RequestHead): [string, string][] {
  return [...Array(fields.count).keys()].map((line) => {
    fields.trim(input, line);
    const name = input.toString('latin1', fields.starts[line], fields.colons[line]).toLowerCase();
    return [name, input.toString('latin1', fields.valueFrom, fields.valueTo)];
  });
}

function bodyOf(
  input: Buffer,
  framing: 'chunked' | number,
  from: number,
): { text: string; end: number; complete: boolean } | undefined {
  if (framing === 'chunked') {
    const bytes = Buffer.from(input);
    const chunks = new ChunkedBody({ keepsFraming: false });
    if (!chunks.pass(bytes, from, bytes.length)) return undefined;
    const text = bytes.toString('latin1', from, chunks.sentTo);
    return { text, end: chunks.readTo, complete: chunks.ended };
  }
  const end = Math.min(input.length, from + framing);
  return { text: input.toString('latin1', from, end), end, complete: end === from + framing };
}
