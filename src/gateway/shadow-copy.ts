/** One copy of a request at one instance. Its response is read to its end, so that the instance sees nothing odd, and dropped. */
import { limits } from '../core/limits.ts';
import type { Call } from './call.ts';
import { monotonicMs } from './clock.ts';
import { framingOf } from './http1/framing.ts';
import { HeadWriter } from './http1/head-writer.ts';
import { ResponseHead } from './http1/response-head.ts';
import type { Instance } from './instance.ts';
import { PartialHead } from './partial-head.ts';
import { ResponseBody } from './response-body.ts';
import type { Ending, Ticket } from './tally.ts';
import type { Upstream, UpstreamUser } from './upstream.ts';

const head = new ResponseHead();
const writer = new HeadWriter();
const MARK = Buffer.from('Segue-Shadow: 1\r\n', 'latin1');

export interface ShadowCopyOptions {
  readonly call: Call;
  /** Whole, with its framing. */
  readonly body: Buffer;
  readonly instance: Instance;
  readonly ticket: Ticket;
  readonly responseMs: number;
  readonly onEnd: () => void;
}

export class ShadowCopy implements UpstreamUser {
  readonly #options: ShadowCopyOptions;
  readonly #upstream: Upstream;
  readonly #request: Buffer;
  readonly #partial = new PartialHead();
  #body: ResponseBody | undefined;
  #status = 0;
  #reusable = false;
  #over = false;

  constructor(options: ShadowCopyOptions) {
    const { call, body, instance, ticket, responseMs } = options;
    this.#options = options;
    call.writeHead(writer);
    writer.addLine(MARK);
    this.#request = Buffer.concat([writer.bytes.subarray(0, writer.length), body]);
    instance.gate.began(ticket);
    const kept = instance.pool.take(limits.gateway.unsafeReuseIdleMs);
    this.#upstream = kept ?? instance.pool.connect(this);
    this.#upstream.deadlineMs = ticket.beganMs + responseMs;
    if (kept === undefined) return;
    kept.user = this;
    this.connected();
  }

  connected(): void {
    this.#options.ticket.passed(this.#request.length, 0);
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
    this.#fail();
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
    this.#reusable = minor === 1 ? !fields.close : fields.keepAlive;
    const framing = framingOf(head, this.#options.call.method);
    this.#body = new ResponseBody({ framing, length: fields.contentLength, minor: 0, events: undefined });
    return this.#pass(bytes, from, to);
  }

  #pass(bytes: Buffer, from: number, to: number): boolean {
    const body = this.#body;
    if (!body?.pass(bytes, from, to)) return this.#fail();
    this.#options.ticket.passed(0, to - from);
    this.#reusable &&= !body.spoiled && !body.endsConnection;
    if (body.done) this.#end({ type: 'answered', status: this.#status });
    return true;
  }

  #fail(): false {
    this.#reusable = false;
    this.#end({ type: 'failed', kind: this.#body ? 'cut' : 'died' });
    return false;
  }

  #end(ending: Ending): void {
    if (this.#over) return;
    this.#over = true;
    const { instance, ticket, onEnd } = this.#options;
    const nowMs = monotonicMs();
    ticket.end(ending);
    if (ending.type === 'answered') instance.gate.answered(ticket, ending.status, nowMs);
    else instance.gate.failed(ticket, nowMs);
    if (this.#reusable && this.#upstream.flushed) this.#upstream.keep(undefined, nowMs);
    else this.#upstream.destroy();
    onEnd();
  }
}
