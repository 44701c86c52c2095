/**
 * One connection of a client: one request at a time, strictly in the order in which they came; what is sent ahead
 * waits, in the system's buffers once ours has some. Lives through every change of routing (T4).
 */
import { limits } from '../core/limits.ts';
import { hostOf } from '../core/traffic/match.ts';
import type { ClientSocket } from './client-socket.ts';
import { Call, headEnd, scanHead } from './call.ts';
import { monotonicMs } from './clock.ts';
import type { GatewayTally } from './gateway-tally.ts';
import { LF, startsWith } from './http1/bytes.ts';
import type { Peer } from './http1/peer.ts';
import type { Refusal } from './http1/refusal.ts';
import { Output } from './output.ts';
import { replyBytes, type ReplyReason } from './replies.ts';
import { readFrom } from './reading.ts';
import type { Timed } from './sweep.ts';

/** Whoever takes the connection over after an upgrade. */
export interface ClientTunnel {
  fromClient(bytes: Buffer): void;
  clientEnded(): void;
  clientClosed(): void;
}

/** The listener that it came through. */
export interface ClientOwner {
  /** Every response from now on says that it is the last one of its connection. */
  readonly retiring: boolean;
  /** Connections end as soon as nothing is under way. */
  readonly closing: boolean;
  readonly tally: GatewayTally;
  dispatch(call: Call): void;
  closed(connection: ClientConnection): void;
  /** It begins with what only HTTP/2 begins with (RFC 9113 s. 3.4); nothing was read. */
  http2(connection: ClientConnection, socket: ClientSocket): void;
}

type State =
  /** Between two requests. */
  | 'idle'
  /** A part of a head is here. */
  | 'head'
  | 'call'
  /** The response came before the end of its request's body: the rest is thrown away for a moment. */
  | 'lingering'
  | 'tunnel'
  /** We send nothing more. */
  | 'ended';

const EMPTY = Buffer.alloc(0);
/** As much of it as tells it apart. */
const HTTP2_PREFACE = 'PRI * HTTP/2.0\r\n';

export class ClientConnection implements Timed {
  readonly #socket: ClientSocket;
  readonly #output: Output;
  readonly #owner: ClientOwner;
  readonly peer: Peer;
  deadlineMs = monotonicMs() + limits.gateway.headTimeoutMs;
  /** How long it may be idle: `deadlineMs` is that much after it began to be. */
  #idleLimitMs: number = limits.gateway.headTimeoutMs;
  #state: State = 'idle';
  /** What was received and not yet taken: a part of a head, or what the client sent ahead. */
  #unread: Buffer = EMPTY;
  #reading = false;
  #paused = false;
  #call: Call | undefined;
  #closes = false;
  #authority = '';
  #host = '';
  /** The client sends nothing more: it waits for the response, or has left. Only sending tells which. */
  #halfClosed = false;
  #tunnel: ClientTunnel | undefined;

  constructor(socket: ClientSocket, owner: ClientOwner, peer: Peer) {
    this.#socket = socket;
    this.#output = new Output(socket);
    this.#owner = owner;
    this.peer = peer;
    readFrom(socket, (bytes) => this.#received(bytes));
    socket.once('end', () => this.#ended());
    // The close that follows says all there is to say.
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#closed());
  }

  /** What the response under way is to say about the connection; it is kept to. */
  announce(): 'silent' | 'close' | 'keep-alive' {
    const call = this.#call;
    const isLast = this.#closes || this.#owner.retiring || this.#saidAll;
    if (isLast || call?.keepAlive !== true || call.leavesDoubt) {
      this.#closes = true;
      return 'close';
    }
    return call.minor === 0 ? 'keep-alive' : 'silent';
  }

  /** As routes are found by it. A connection's requests are nearly always for the same host. */
  hostOf(bytes: Buffer, from: number, to: number): string {
    if (to - from !== this.#authority.length || !startsWith(bytes, from, this.#authority)) {
      this.#authority = bytes.toString('latin1', from, to);
      this.#host = hostOf(this.#authority);
    }
    return this.#host;
  }

  /** There are no more requests from it. */
  get #saidAll(): boolean {
    return this.#halfClosed && this.#unread.length === 0;
  }

  closeAfterCall(): void {
    this.#closes = true;
  }

  send(bytes: Buffer): void {
    if (this.#halfClosed) this.deadlineMs = this.#goneByMs();
    this.#output.write(bytes);
  }

  /** Everything sent was taken over by the system. */
  get flushed(): boolean {
    return this.#output.flushed;
  }

  /** Not called for a client that leaves meanwhile; one that does not read at all is one of those. */
  whenFlushed(act: () => void): void {
    if (this.flushed) return act();
    this.deadlineMs = monotonicMs() + limits.gateway.clientStallTimeoutMs;
    this.#output.whenFlushed(() => {
      this.deadlineMs = this.#halfClosed ? this.#goneByMs() : Infinity;
      act();
    });
  }

  /** The one who takes the body is ready for more. */
  resumeBody(): void {
    const body = this.#call?.body;
    if (!body) return;
    body.blocked = false;
    body.giveBack();
    if (this.#unread.length === 0) this.#resume();
  }

  callEnded(nowMs: number = monotonicMs()): void {
    const body = this.#call?.body;
    if (body && !body.complete) {
      body.discard();
      this.#state = 'lingering';
      this.deadlineMs = nowMs + limits.gateway.lingerMs;
      this.#resume();
      if (this.#closes) this.#socket.end();
      return;
    }
    this.#next(nowMs);
  }

  /** The client sees a broken response rather than a short one that looks whole. */
  break(): void {
    this.#socket.destroy();
  }

  /** Since when it is between two requests, or has not begun its first; `Infinity`: it is not. */
  get idleSinceMs(): number {
    return this.#state === 'idle' ? this.deadlineMs - this.#idleLimitMs : Infinity;
  }

  /** There is no room for it: it hears so, whatever it wanted. */
  turnAway(): void {
    this.#say('no-room');
  }

  /** Somebody else needs the room: ends a connection that is idle. */
  giveWay(): void {
    this.#state = 'ended';
    this.break();
  }

  /** Only what is between two requests ends now. */
  endIfIdle(): void {
    if (this.#state === 'idle') this.#end();
  }

  /** Ends the HTTP of this connection. What the client sent after its request goes to the tunnel first. */
  becomeTunnel(by: ClientTunnel): ClientSocket {
    this.#state = 'tunnel';
    this.#tunnel = by;
    this.#call = undefined;
    this.deadlineMs = Infinity;
    return this.#socket;
  }

  get halfClosed(): boolean {
    return this.#halfClosed;
  }

  /** For the tunnel, once. */
  takeUnread(): Buffer {
    const unread = this.#unread;
    this.#unread = EMPTY;
    this.#resume();
    return unread;
  }

  expired(): void {
    if (this.#state === 'head') this.#refuse('head-late');
    else this.#socket.destroy();
  }

  #received(bytes: Buffer): void {
    switch (this.#state) {
      case 'idle':
        this.#unread = bytes;
        return this.#readAll();
      case 'head':
        this.#keep(bytes);
        // A head ends with a line: without one there is nothing new to find.
        if (bytes.includes(LF) || this.#unread.length > limits.gateway.headBytesMax) this.#readAll();
        return;
      case 'call':
      case 'lingering':
        return this.#receivedMore(bytes);
      case 'tunnel':
        return this.#tunnel?.fromClient(bytes);
      case 'ended':
    }
  }

  /** The rest of the body, and what the client sent ahead. */
  #receivedMore(bytes: Buffer): void {
    let at = 0;
    const body = this.#call?.body;
    if (body && !body.complete) {
      const end = body.take(bytes, 0, bytes.length);
      if (end === undefined) return this.#bodyRefused();
      if (body.blocked || body.full) this.#pause();
      at = end;
      if (at === bytes.length) body.own(bytes);
    }
    if (at < bytes.length) {
      this.#keep(bytes.subarray(at));
      this.#pause();
    }
    if (this.#state === 'lingering' && body?.complete) this.#next(monotonicMs());
  }

  #keep(bytes: Buffer): void {
    this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes]);
  }

  /** Answers of our own end a call at once, so this is a loop and not a recursion. */
  #readAll(): void {
    if (this.#reading) return;
    this.#reading = true;
    while ((this.#state === 'idle' || this.#state === 'head') && this.#unread.length > 0) {
      if (!this.#readOne()) break;
    }
    this.#reading = false;
  }

  /** False: wait for more. */
  #readOne(): boolean {
    const bytes = this.#unread;
    const scan = scanHead(bytes);
    const size = scan === 'complete' ? headEnd() : bytes.length;
    if (size > limits.gateway.headBytesMax && (scan === 'complete' || scan === 'incomplete')) {
      this.#refuse('head-too-large');
      return false;
    }
    if (scan === 'incomplete') {
      if (this.#halfClosed) {
        this.#end();
        return false;
      }
      if (this.#state === 'idle') this.deadlineMs = monotonicMs() + limits.gateway.headTimeoutMs;
      this.#state = 'head';
      this.#resume();
      return false;
    }
    if (scan !== 'complete') {
      if (scan === 'version-unknown' && startsWith(bytes, 0, HTTP2_PREFACE)) this.#giveAway(bytes);
      else this.#refuse(scan);
      return false;
    }
    this.#begin(bytes, size);
    return true;
  }

  #begin(bytes: Buffer, end: number): void {
    const call = new Call(this, bytes);
    this.#call = call;
    this.#state = 'call';
    this.deadlineMs = Infinity;
    let at = end;
    if (call.body) {
      const bodyEnd = call.body.take(bytes, end, bytes.length);
      if (bodyEnd === undefined) return this.#refuse('malformed');
      at = bodyEnd;
    }
    this.#unread = at < bytes.length ? bytes.subarray(at) : EMPTY;
    if (this.#halfClosed && call.body?.complete === false) return this.break();
    if (this.#unread.length > 0 || call.body?.full) this.#pause();
    else this.#resume();
    this.#owner.dispatch(call);
    if (this.#halfClosed && this.#state === 'call' && this.flushed) this.deadlineMs = this.#goneByMs();
  }

  #next(nowMs: number): void {
    this.#call = undefined;
    if (this.#closes || this.#saidAll || this.#owner.closing) return this.#end();
    this.#state = 'idle';
    this.#idleLimitMs = limits.gateway.clientIdleTimeoutMs;
    this.deadlineMs = nowMs + this.#idleLimitMs;
    if (this.#unread.length > 0) this.#readAll();
    if (this.#state === 'idle') this.#resume();
  }

  #bodyRefused(): void {
    const call = this.#call;
    if (this.#state === 'lingering' || !call || call.responding) return this.break();
    call.leave();
    this.#refuse(call.body?.tooLarge ? 'body-too-large' : 'malformed');
  }

  #giveAway(bytes: Buffer): void {
    this.#state = 'ended';
    this.#unread = EMPTY;
    this.#socket.pause();
    this.#socket.unshift(bytes);
    this.#owner.http2(this, this.#socket);
  }

  #refuse(reason: Refusal | 'head-late' | 'body-too-large'): void {
    this.#owner.tally.malformedOne();
    this.#say(reason);
  }

  /** The last words of the connection. */
  #say(reason: ReplyReason): void {
    this.#state = 'ended';
    this.send(replyBytes(reason, 'close', true));
    this.#end();
  }

  /** Nothing more from us; what the client still sends is thrown away, or a reset would destroy our last words. */
  #end(): void {
    this.#state = 'ended';
    this.#unread = EMPTY;
    this.deadlineMs = monotonicMs() + limits.gateway.lingerMs;
    this.#resume();
    this.#socket.end();
  }

  #ended(): void {
    switch (this.#state) {
      case 'call':
        if (this.#call?.body?.complete === false) return this.break();
        this.#halfClosed = true;
        if (this.flushed) this.deadlineMs = this.#goneByMs();
        return;
      case 'tunnel':
        return this.#tunnel?.clientEnded();
      case 'ended':
        return;
      default:
        this.break();
    }
  }

  /** Taken for gone then, unless it hears something before. */
  #goneByMs(): number {
    return monotonicMs() + (this.#call?.halfClosedMs ?? limits.gateway.halfClosedMs);
  }

  #closed(): void {
    this.#owner.closed(this);
    this.#tunnel?.clientClosed();
    this.#call?.leave();
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }
}
