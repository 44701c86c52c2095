/**
 * One try of one request at one instance: sends it, reads the head of the response, passes the body on no faster
 * than the client reads. Says exactly how far it got, because T2 hangs on it: `unreached` never left, `died` may
 * have been processed but nothing of a response was seen. An instance that breaks off later breaks the client's
 * connection too: never a short response that looks whole.
 */
import { limits } from '../core/limits.ts';
import { ANSWERED, BROKEN, LEFT } from './access-log/record.ts';
import type { AttemptOptions } from './attempt-options.ts';
import type { Call } from './call.ts';
import { monotonicMs } from './clock.ts';
import type { Failure } from './failure.ts';
import { EventStream, hasVisibleEvents, isEventStream } from './event-stream.ts';
import { CALL_AGAIN, GrpcCall, isGrpc } from './grpc-call.ts';
import { contradictsItself, framingOf } from './http1/framing.ts';
import { HeadWriter } from './http1/head-writer.ts';
import { ResponseHead } from './http1/response-head.ts';
import type { Instance } from './instance.ts';
import { PartialHead } from './partial-head.ts';
import type { BodySink } from './request-body.ts';
import { ResponseBody } from './response-body.ts';
import type { Service } from './service.ts';
import type { Ticket } from './tally.ts';
import { tunnel } from './tunnel.ts';
import { UploadPace } from './upload-pace.ts';
import type { Upstream, UpstreamUser } from './upstream.ts';

/** For all tries: what is in them is used up before anything else happens. */
const head = new ResponseHead();
const writer = new HeadWriter();

type State = 'connecting' | 'head' | 'body' | 'over';

export class Attempt implements UpstreamUser, BodySink {
  readonly call: Call;
  readonly service: Service;
  readonly instance: Instance;
  readonly ticket: Ticket;
  readonly #onFailure: AttemptOptions['onFailure'];
  readonly #upstream: Upstream;
  /** It came over a kept connection, which an instance may close at any time. */
  readonly reused: boolean;
  #state: State = 'connecting';
  /** Undefined: the head came in one piece so far. */
  #partial: PartialHead | undefined;
  #heard = false;
  #informed = 0;
  #body: ResponseBody | undefined;
  #stream: EventStream | GrpcCall | undefined;
  /** When the head of a response came that may turn out to be a stream. */
  #openSinceMs: number | undefined;
  #status = 0;
  #pace: UploadPace | undefined;
  /** The instance keeps its connection, and for how long it says it does. */
  #reusable = false;
  #idleLimitS: number | undefined;

  constructor({ call, service, instance, ticket, fresh, onFailure }: AttemptOptions) {
    this.call = call;
    this.service = service;
    this.instance = instance;
    this.ticket = ticket;
    this.#onFailure = onFailure;
    const { pool } = instance;
    if (fresh) pool.closeIdle();
    const kept = pool.take(call.replayable ? Infinity : limits.gateway.unsafeReuseIdleMs);
    this.#upstream = kept ?? pool.connect(this);
    this.reused = kept !== undefined;
    instance.gate.began(ticket);
    call.whenLeft = () => this.#abandon();
    if (kept) {
      kept.user = this;
      this.#send(ticket.beganMs);
    } else {
      const connectedByMs = ticket.beganMs + limits.gateway.upstreamConnectTimeoutMs;
      this.#upstream.deadlineMs = Math.min(connectedByMs, call.deadlineMs);
    }
  }

  connected(): void {
    if (this.#state === 'connecting') this.#send(monotonicMs());
  }

  read(bytes: Buffer, from: number, to: number): boolean {
    if (this.#state === 'body') return this.#readBody(bytes, from, to);
    if (this.#state === 'head') return this.#readHead(bytes, from, to);
    return false;
  }

  upstreamDrained(): void {
    if (this.#state === 'over') return;
    const nowMs = monotonicMs();
    this.#pace?.resume(nowMs);
    this.#progress(nowMs);
    this.call.client.resumeBody();
  }

  upstreamEnded(): void {
    this.#reusable = false;
    if (this.#state === 'body') this.#bodyEnded();
    else this.#broke();
  }

  upstreamClosed(): void {
    this.#reusable = false;
    if (this.#state === 'body' && this.#body?.done !== true) this.#cut();
    else this.#broke();
  }

  upstreamExpired(): void {
    if (this.#state === 'connecting') return this.#fail('unreached');
    if (this.#state === 'body') return this.#overdue();
    // While the body is on its way, whoever keeps it from going on is the late one.
    const { body } = this.call;
    this.#fail(body && !body.complete && !body.blocked ? 'stalled' : 'late');
  }

  #send(nowMs: number): void {
    this.#state = 'head';
    const { call, service } = this;
    if (service.hold.waiting > 0) service.letGo();
    if (call.body) this.#pace = new UploadPace(call.body, service.routing.policy.bodyMs, nowMs);
    this.#progress(nowMs);
    call.writeHead(writer);
    if (this.#upstream.mayRefuse) call.body?.remember();
    const small = call.body?.takeWithHead();
    if (small) writer.append(small);
    this.ticket.passed(writer.length, 0);
    this.#upstream.send(writer.written);
    if (!this.#upstream.flushed) writer.replace();
    if (call.body) {
      call.body.attach(this);
      call.client.resumeBody();
    }
  }

  /** The request's body has left. A stream of HTTP/2 cannot tell: its connection may still have parts of it. */
  get flushed(): boolean | null {
    if (this.#upstream.mayRefuse || !this.#upstream.writable) return null;
    return this.#state !== 'over' && this.#upstream.flushed;
  }

  /** A part of the request's body. */
  send(part: Buffer): boolean {
    const nowMs = monotonicMs();
    this.ticket.passed(part.length, 0);
    // An instance that stopped reading must not stop the client from finishing: its response may be on its way.
    const goesOn = !this.#upstream.writable || this.#upstream.send(part);
    if (!goesOn) this.#pace?.pause(nowMs);
    this.#progress(nowMs);
    return goesOn;
  }

  /** Whose turn it is has this long: the client for its body, else the instance. */
  #progress(nowMs: number): void {
    if (this.#state !== 'head') return;
    const clientMs = this.#pace === undefined ? Infinity : this.#pace.dueMs(nowMs);
    const dueMs = clientMs === Infinity ? nowMs + this.service.routing.responseMs : clientMs;
    this.#upstream.deadlineMs = Math.min(dueMs, this.call.deadlineMs);
  }

  #readHead(bytes: Buffer, from: number, to: number): boolean {
    this.#heard = true;
    if (this.#partial !== undefined && !this.#partial.isEmpty) {
      const joined = this.#partial.takeWith(bytes, from, to);
      return this.#readHead(joined.bytes, joined.from, joined.to);
    }
    let at = from;
    while (at < to) {
      const scan = head.scan(bytes, at, to);
      if (scan === 'incomplete' && to - at <= limits.gateway.headBytesMax) {
        (this.#partial ??= new PartialHead()).keep(bytes, at, to);
        return true;
      }
      if (scan !== 'complete' || head.end - at > limits.gateway.headBytesMax) return this.#garbled();
      if (head.status >= 200) return this.#begin(bytes, to);
      if (head.status === 101) return this.#switch(bytes, to);
      if (!this.#inform(bytes)) return this.#garbled();
      at = head.end;
    }
    return true;
  }

  #garbled(): boolean {
    this.#fail('garbled');
    return false;
  }

  /** 1xx on their way to the client (RFC 9110 s. 15.2). False: there is no end of them. */
  #inform(bytes: Buffer): boolean {
    const { call } = this;
    this.#informed += 1;
    if (this.#informed > limits.gateway.informationMax) return false;
    if (call.upgrade !== null || call.minor === 0) return true;
    call.heard = true;
    if (head.status === 100) call.continued = true;
    writer.information(bytes, head);
    this.#toClient(writer.written);
    if (!call.client.flushed) writer.replace();
    return true;
  }

  #switch(bytes: Buffer, to: number): boolean {
    if (this.call.upgrade === null || !head.fields.upgrade) return this.#garbled();
    this.#state = 'over';
    this.#upstream.deadlineMs = Infinity;
    this.instance.gate.answered(this.ticket, head.status, monotonicMs());
    writer.switching(bytes, head, this.call.upgrade, this.#cookie);
    const { call, instance, ticket } = this;
    const switching = Buffer.from(writer.written);
    const rest = Buffer.from(bytes.subarray(head.end, to));
    const { upgrade: protocol } = call;
    tunnel({ call, protocol: protocol ?? '', instance, ticket, upstream: this.#upstream, switching, rest });
    return true;
  }

  /** The head that counts, with what came of the body: one write. */
  #begin(bytes: Buffer, to: number): boolean {
    const { call } = this;
    const { fields, minor } = head;
    this.#state = 'body';
    this.#upstream.deadlineMs = call.deadlineMs;
    this.#status = head.status;
    this.#idleLimitS = head.idleLimitS(bytes);
    this.#reusable = (minor === 1 ? !fields.close : fields.keepAlive) && !contradictsItself(head);
    const framing = framingOf(head, call.method);
    if (framing !== 'none' && isEventStream(bytes, head)) this.#beginEvents();
    else if (framing === 'chunked' && isGrpc(bytes, head)) this.#beginCall(monotonicMs());
    const length = fields.contentLength;
    const { digest } = this.ticket;
    const events = this.#stream?.events;
    const body = new ResponseBody({ framing, length, minor: call.minor, events, digest });
    this.#body = body;
    if (!body.keepsClient) call.client.closeAfterCall();
    const connection = call.client.announce();
    const hsts = call.client.peer.secure ? this.service.hsts : null;
    writer.response(bytes, head, { connection, chunked: body.chunked, cookie: this.#cookie, hsts });
    call.responding = true;
    if (!body.pass(bytes, head.end, to)) return this.#cut();
    const from = body.sentFrom - writer.length;
    writer.bytes.copy(bytes, from, 0, writer.length);
    const more = this.#sent(bytes, from, body);
    // From here on it may be told to end, and it has a head to end after.
    if (this.#stream && !body.done) this.instance.add(this.#stream);
    return more;
  }

  /** What the client is told about its session. */
  get #cookie(): Buffer | null {
    return this.service.cookieLines(this.call, this.instance);
  }

  #beginEvents(): void {
    const ends = { complete: () => this.#completeStream(), cut: () => void this.#cut() };
    this.#beginStream(new EventStream(hasVisibleEvents(head), ends), monotonicMs());
  }

  #beginCall(nowMs: number): void {
    this.#openSinceMs = nowMs;
    this.#upstream.deadlineMs = Math.min(this.call.deadlineMs, nowMs + limits.gateway.callIsStreamAfterMs);
  }

  #beginStream(stream: EventStream | GrpcCall, headAtMs: number): void {
    this.#stream = stream;
    this.#upstream.deadlineMs = Infinity;
    this.ticket.becomeStream(headAtMs);
    this.instance.gate.answered(this.ticket, this.#status, headAtMs);
  }

  #readBody(bytes: Buffer, from: number, to: number): boolean {
    const body = this.#body;
    if (!body?.pass(bytes, from, to)) return body !== undefined && this.#cut();
    return this.#sent(bytes, body.sentFrom, body);
  }

  /** False: the buffer is needed until the client has taken it. */
  #sent(bytes: Buffer, from: number, body: ResponseBody): boolean {
    if (body.sentTo > from) this.#toClient(bytes.subarray(from, body.sentTo));
    const { flushed } = this.call.client;
    if (body.done) this.#finish();
    if (flushed) return true;
    if (body.done) return false;
    this.call.client.whenFlushed(() => this.#upstream.resume());
    return false;
  }

  #toClient(bytes: Buffer): void {
    this.ticket.passed(0, bytes.length);
    this.call.client.send(bytes);
  }

  #completeStream(last?: Buffer): void {
    if (this.#state !== 'body' || !this.#body || this.#body.done) return;
    const rest = this.#body.stop();
    this.#end(last ?? rest);
  }

  #bodyEnded(): void {
    if (this.#body?.done) return;
    const rest = this.#body?.end();
    if (rest) this.#end(rest);
    else this.#cut();
  }

  #end(rest: Buffer): void {
    if (rest.length > 0) this.#toClient(rest);
    this.#finish();
  }

  /** All was sent; over when all has left, because libuv may still read from the connection's buffer. */
  #finish(): void {
    const { client } = this.call;
    if (client.flushed) this.#over();
    else client.whenFlushed(() => this.#over());
  }

  #over(): void {
    if (this.#state !== 'body') return;
    this.#leave();
    const { call, ticket } = this;
    const nowMs = monotonicMs();
    ticket.answered(this.#status, nowMs);
    if (!this.#stream) this.instance.gate.answered(ticket, this.#status, nowMs);
    if (this.#isAsGoodAsNew()) {
      this.#upstream.keep(this.#idleLimitS, nowMs);
      this.#upstream.resume();
    } else {
      this.#upstream.destroy();
    }
    if (call.log !== null) call.log.record(call, ANSWERED, this.#status);
    call.client.callEnded(nowMs);
  }

  /** The request has left whole, the response came whole, and nothing else did. */
  #isAsGoodAsNew(): boolean {
    const body = this.#body;
    const sent = this.call.body?.complete !== false && this.#upstream.flushed;
    return this.#reusable && sent && body?.spoiled === false && !body.endsConnection;
  }

  #broke(): void {
    if (this.#state === 'connecting') this.#fail('unreached');
    else if (this.#state !== 'head') return;
    else if (this.#wasRefused) this.#fail('refused');
    else this.#fail(this.#heard ? 'garbled' : 'died');
  }

  /** The instance says that it did nothing with it, and all of it is still here (T2). */
  get #wasRefused(): boolean {
    const { call } = this;
    return this.#upstream.refused && !call.heard && (call.body === null || call.body.rewind());
  }

  #fail(failure: Failure): void {
    if (this.#state === 'over') return;
    this.#leave();
    this.#upstream.destroy();
    this.#onFailure(this, failure);
  }

  /** The response has begun and cannot be made whole. */
  #cut(): false {
    if (this.#state === 'over') return false;
    this.#leave();
    this.#upstream.destroy();
    this.ticket.end({ type: 'failed', kind: 'cut' });
    this.instance.gate.failed(this.ticket, monotonicMs());
    if (this.call.log !== null) this.call.log.record(this.call, BROKEN, this.#status);
    this.call.client.break();
    return false;
  }

  /** The whole request took too long; if its client does not read, that is not the instance's doing. */
  #overdue(): void {
    const { call } = this;
    if (this.#openSinceMs !== undefined && !this.#stream && call.deadlineMs > monotonicMs()) {
      const stream = new GrpcCall(() => this.#completeStream(CALL_AGAIN));
      this.#beginStream(stream, this.#openSinceMs);
      return this.instance.add(stream);
    }
    if (call.client.flushed) return void this.#cut();
    this.#abandon();
    call.client.break();
  }

  #abandon(): void {
    if (this.#state === 'over') return;
    this.#leave();
    this.#upstream.destroy();
    this.ticket.end({ type: 'abandoned' });
    this.instance.gate.undecided(this.ticket);
    if (this.call.log !== null) this.call.log.record(this.call, LEFT, this.#status);
  }

  #leave(): void {
    this.#state = 'over';
    this.call.whenLeft = undefined;
    if (this.#stream) this.instance.remove(this.#stream);
  }
}
