/**
 * A call of gRPC that goes on: whether it is a stream nobody says beforehand, so it is one once its response has been
 * open for a while. It may well end by itself, so a drain leaves it alone for as long as streams may take (T3); then
 * it ends with the status that makes its client call again, as a complete response.
 */
import type { LongStream } from './drain.ts';
import { startsIgnoringCase } from './http1/bytes.ts';
import { FIELD } from './http1/field.ts';
import type { ResponseHead } from './http1/response-head.ts';
import { UNAVAILABLE } from './http2/grpc.ts';

const TYPE = 'application/grpc';
const AFTER_TYPE = new Set([';', '+', ' ', '\t', '']);

/** The end of a chunked body (RFC 9112 s. 7.1), after which the response is whole. */
export const CALL_AGAIN = Buffer.from(
  `0\r\ngrpc-status: ${UNAVAILABLE}\r\ngrpc-message: the instance is being replaced\r\n\r\n`,
  'latin1',
);

export class GrpcCall implements LongStream {
  readonly events = undefined;
  readonly #end: () => void;

  constructor(end: () => void) {
    this.#end = end;
  }

  tell(): void {}

  cut(): void {
    this.#end();
  }
}

export function isGrpc(bytes: Buffer, { fields }: ResponseHead): boolean {
  if (fields.seek(bytes, FIELD.contentType) < 0) return false;
  const { valueFrom, valueTo } = fields;
  if (!startsIgnoringCase(bytes, valueFrom, valueTo, TYPE)) return false;
  const after = valueFrom + TYPE.length;
  return AFTER_TYPE.has(bytes.toString('latin1', after, Math.min(after + 1, valueTo)));
}
