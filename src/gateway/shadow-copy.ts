/** One copy of a request at one instance. Its response is read to its end, so that the instance sees nothing odd, and dropped. */
import { limits } from '../core/limits.ts';
import type { Call } from './call.ts';
import { monotonicMs } from './clock.ts';
import { isEventStream } from './event-stream.ts';
import { contradictsItself, framingOf } from './http1/framing.ts';
import { HeadWriter } from './http1/head-writer.ts';
import { ResponseHead } from './http1/response-head.ts';
import { PartialHead } from './partial-head.ts';
import { ResponseBody } from './response-body.ts';
import type { Landing } from './shadow.ts';
import type { Ending } from './tally.ts';
import type { Upstream, UpstreamUser } from './upstream.ts';

const head = new ResponseHead();
const writer = new HeadWriter();
const MARK = Buffer.from('Segue-Shadow: 1\r\n', 'latin1');

export interface ShadowCopyOptions {
  readonly call: Call;
  /** Whole, with its framing. */
  readonly body: Buffer;
  readonly landing: Landing;
  readonly onEnd: () => void;
}

export class ShadowCopy implements UpstreamUser {
  readonly #options: ShadowCopyOptions;
  readonly #upstream: Upstream;
  readonly #request: Buffer;
  readonly #partial = new PartialHead();
  #body: ResponseBody | undefined;
  #bodyBytes = 0;
  #status = 0;
  #reusable = false;
  #over = false;

  constructor(options: ShadowCopyOptions) {
    const { call, body, landing } = options;
    this.#options = options;
    call.writeHead(writer);
    writer.addLine(MARK);
    this.#request = Buffer.concat([writer.bytes.subarray(0, writer.length), body]);
    const { pool } = landing.instance;
    const kept = pool.take(limits.gateway.unsafeReuseIdleMs);
    this.#upstream = kept ?? pool.connect(this);
    this.#upstream.deadlineMs = monotonicMs() + landing.responseMs;
    if (kept === undefined) return;
    kept.user = this;
    this.connected();
  }

  connected(): void {
    this.#options.landing.passed(this.#request.length, 0);
    this.#upstream.send(this.#request);
  }

  read(bytes: Buffer, from: number, to: number): boolean {
    if (this.#over) return false;
    if (this.#body) return this.#pass(bytes, from, to);
    if (this.#partial.isEmpty) return this.#readHead(bytes, from, to);
    const joined = this.#partial.takeWith(bytes, from, to);
    return this.#readHead(joined.bytes, joined.from, joined.to);
  }

  upstreamDrained(): void {}

  upstreamEnded(): void {
    this.#reusable = false;
    if (this.#body?.end()) this.#end({ type: 'answered', status: this.#status });
    else this.#fail();
  }

  upstreamClosed(): void {
    this.#fail();
  }

  upstreamExpired(): void {
    this.#reusable = false;
    this.#end({ type: 'failed', kind: 'late' });
  }

  #readHead(bytes: Buffer, from: number, to: number): boolean {
    let at = from;
    while (at < to) {
      const scan = head.scan(bytes, at, to);
      if (scan === 'incomplete' && to - at <= limits.gateway.headBytesMax) {
        this.#partial.keep(bytes, at, to);
        return true;
      }
      if (scan !== 'complete' || head.status === 101) return this.#fail();
      at = head.end;
      if (head.status >= 200) return this.#begin(bytes, at, to);
    }
    return true;
  }

  #begin(bytes: Buffer, from: number, to: number): boolean {
    const { fields, minor, status } = head;
    this.#status = status;
    this.#reusable = (minor === 1 ? !fields.close : fields.keepAlive) && !contradictsItself(head);
    const { call, landing } = this.#options;
    const framing = framingOf(head, call.method);
    if (framing !== 'none' && isEventStream(bytes, head)) return this.#abandon();
    this.#upstream.deadlineMs = monotonicMs() + landing.responseMs;
    const length = fields.contentLength;
    this.#body = new ResponseBody({ framing, length, minor: 0, events: undefined, digest: landing.digest });
    return this.#pass(bytes, from, to);
  }

  #pass(bytes: Buffer, from: number, to: number): boolean {
    const body = this.#body;
    if (!body?.pass(bytes, from, to)) return this.#fail();
    this.#options.landing.passed(0, to - from);
    this.#bodyBytes += to - from;
    if (this.#bodyBytes > limits.gateway.shadowAnswerBytesMax) return this.#abandon();
    this.#reusable &&= !body.spoiled && !body.endsConnection;
    if (body.done) this.#end({ type: 'answered', status: this.#status });
    return true;
  }

  #fail(): false {
    this.#reusable = false;
    this.#end({ type: 'failed', kind: this.#body ? 'cut' : 'died' });
    return false;
  }

  /** It does not end by itself, or is too long: that says nothing of the instance. */
  #abandon(): false {
    this.#reusable = false;
    this.#end({ type: 'abandoned' });
    return false;
  }

  #end(ending: Ending): void {
    if (this.#over) return;
    this.#over = true;
    const { landing, onEnd } = this.#options;
    const nowMs = monotonicMs();
    landing.ended(ending, nowMs);
    if (this.#reusable && this.#upstream.flushed) this.#upstream.keep(undefined, nowMs);
    else this.#upstream.destroy();
    onEnd();
  }
}
