import type { ResponseHead } from './response-reader.ts';
import type { FailureReason } from './summary.ts';

interface About {
  readonly code?: string;
  readonly reused?: boolean;
  readonly head?: ResponseHead | null;
  readonly localPort?: number;
}

/** A request or a stream went wrong. What it was about is added where it is counted. */
export class RequestFailure extends Error {
  readonly reason: FailureReason;
  readonly code: string | null;
  readonly reused: boolean;
  /** Of a response that began. */
  readonly head: ResponseHead | null;
  /** Of the connection that broke: whoever kills a server finds out by it whose connection it was. */
  readonly localPort: number | null;

  constructor(reason: FailureReason, detail = '', about: About = {}) {
    super(detail);
    this.name = 'RequestFailure';
    this.reason = reason;
    this.code = about.code ?? null;
    this.reused = about.reused ?? false;
    this.head = about.head ?? null;
    this.localPort = about.localPort ?? null;
  }
}
