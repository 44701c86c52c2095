/**
 * Heads as the other side gets them: names, order, case and duplicates stay; lines that belong to one connection
 * are left out, and ours are added at the end. One scratch buffer; what is in it is good until the next `begin`.
 */
import { limits } from '../../core/limits.ts';
import { requestIds } from '../ids.ts';
import { CR, LF, SLASH, STAR } from './bytes.ts';
import { dropTable, FIELD } from './field.ts';
import { dropsOf, forwardingLines, KEEPS, keptOf, NOTHING_KEPT, SAYS_SOMETHING } from './forwarding.ts';
import type { Fields } from './fields.ts';
import { usuallyHasBody } from './method.ts';
import { fillIds, fillTrace, ID_AT, idLine, type Peer, traceLine } from './peer.ts';
import type { RequestHead } from './request-head.ts';
import type { ResponseHead } from './response-head.ts';

const latin1 = (text: string) => Buffer.from(text, 'latin1');

const SPACE_SLASH = latin1(' /');
const SPACE = latin1(' ');
const REQUEST_VERSION = latin1(' HTTP/1.1\r\n');
/** RFC 9112 s. 3.2: of HTTP/1.0 nobody asks it, of HTTP/1.1 everybody. */
const NO_HOST = latin1('Host: \r\n');
const STATUS_VERSION = latin1('HTTP/1.1 ');
const VIA = [latin1('Via: 1.0 segue\r\n'), latin1('Via: 1.1 segue\r\n')] as const;
const KEEP_ALIVE = latin1('Connection: keep-alive\r\n');
const CLOSE = latin1('Connection: close\r\n');
const UPGRADE = latin1('Connection: Upgrade\r\nUpgrade: ');
const CHUNKED = latin1('Transfer-Encoding: chunked\r\n');
const NO_BODY = latin1('Content-Length: 0\r\n');

const RESPONSE_DROPS = dropTable();
/** RFC 9110 s. 8.6: 1xx and 204 have no length. */
const BODILESS_DROPS = dropTable(FIELD.contentLength);

/** Everything that can be added: the host twice more, the addresses, and lines of ours. */
const ADDED_BYTES_MAX = 1024 + limits.gateway.flagsLineBytesMax;
const SCRATCH_BYTES = 3 * limits.gateway.headBytesMax + ADDED_BYTES_MAX + limits.gateway.bodyWithHeadBytesMax;

export interface Forwarding {
  readonly peer: Peer;
  /** What the peer says about others counts. */
  readonly trusted: boolean;
  /** Of the request: its id is made from it. */
  readonly serial: number;
  /** The request asks for another protocol, and may. */
  readonly upgrade: boolean;
}

export interface ClientSide {
  /** What the client is told about its connection. */
  readonly connection: 'silent' | 'close' | 'keep-alive';
  readonly chunked: boolean;
  /** One line of ours with its end: where the client's session is now. */
  readonly cookie: Buffer | null;
  /** The same, of RFC 6797. */
  readonly hsts: Buffer | null;
}

export class HeadWriter {
  bytes = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  length = 0;
  /** The last one: most heads of a connection are as long as the one before. */
  #written = this.bytes.subarray(0, 0);

  /** What is in it. */
  get written(): Buffer {
    if (this.#written.length !== this.length) this.#written = this.bytes.subarray(0, this.length);
    return this.#written;
  }

  /** Whoever the bytes were given to keeps them. */
  replace(): void {
    this.bytes = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
    this.#written = this.bytes.subarray(0, 0);
  }

  request(source: Buffer, head: RequestHead, forwarding: Forwarding): void {
    const { fields } = head;
    const { peer, upgrade } = forwarding;
    const from = this.#requestLine(source, head);
    const saysNoBody = !fields.chunked && fields.contentLength < 0 && usuallyHasBody(head.method);
    if (fields.hasAny(SAYS_SOMETHING)) {
      this.#forwarded(source, head, from, forwarding);
    } else {
      this.#lines(source, from, fields, dropsOf(NOTHING_KEPT));
      const lines = peer.usual(source, head.hostFrom, head.hostTo);
      const isUsual = head.minor === 1 && !upgrade && !fields.chunked && !saysNoBody;
      const idsEnd = this.length + peer.linesLength;
      this.#add(lines);
      fillIds(this.bytes, idsEnd, forwarding.serial);
      if (isUsual) return;
      this.length = idsEnd;
    }
    this.#add(VIA[head.minor === 0 ? 0 : 1]);
    if (upgrade && fields.seek(source, FIELD.upgrade) >= 0) this.#value(UPGRADE, source, fields);
    else this.#add(KEEP_ALIVE);
    if (fields.chunked) this.#add(CHUNKED);
    else if (saysNoBody) this.#add(NO_BODY);
    this.#endLine();
  }

  response(source: Buffer, head: ResponseHead, side: ClientSide): void {
    const from = this.#statusLine(source, head);
    this.#lines(source, from, head.fields, head.status === 204 ? BODILESS_DROPS : RESPONSE_DROPS);
    this.#add(VIA[head.minor === 0 ? 0 : 1]);
    if (side.connection === 'close') this.#add(CLOSE);
    else if (side.connection === 'keep-alive') this.#add(KEEP_ALIVE);
    if (side.chunked) this.#add(CHUNKED);
    if (side.cookie !== null) this.#add(side.cookie);
    if (side.hsts !== null) this.#add(side.hsts);
    this.#endLine();
  }

  /** 1xx. */
  information(source: Buffer, head: ResponseHead): void {
    this.#lines(source, this.#statusLine(source, head), head.fields, BODILESS_DROPS);
    this.#endLine();
  }

  /** 101. `asked`: the protocol's name for an instance that does not repeat it. */
  switching(source: Buffer, head: ResponseHead, asked: string, cookie: Buffer | null): void {
    const { fields } = head;
    this.#lines(source, this.#statusLine(source, head), fields, BODILESS_DROPS);
    this.#add(VIA[head.minor === 0 ? 0 : 1]);
    if (fields.seek(source, FIELD.upgrade) >= 0) {
      this.#value(UPGRADE, source, fields);
    } else {
      this.#add(UPGRADE);
      this.#add(latin1(`${asked}\r\n`));
    }
    if (cookie !== null) this.#add(cookie);
    this.#endLine();
  }

  /** One more, with its end, to a head that is whole. */
  addLine(line: Buffer): void {
    this.length -= 2;
    this.#add(line);
    this.#endLine();
  }

  /** Adds the beginning of the body, of which there is at most `bodyWithHeadBytesMax`. */
  append(body: Buffer): void {
    this.#copy(body, 0, body.length);
  }

  /** From where on the source can be copied: a line that stays as it is becomes a part of the first run. */
  #requestLine(source: Buffer, head: RequestHead): number {
    this.length = 0;
    if (head.minor === 1 && head.pathFrom === head.methodTo + 1) return head.methodFrom;
    const first = source[head.pathFrom];
    this.#copy(source, head.methodFrom, head.methodTo);
    this.#add(first === SLASH || first === STAR ? SPACE : SPACE_SLASH);
    this.#copy(source, head.pathFrom, head.pathTo);
    this.#add(REQUEST_VERSION);
    if (head.fields.hosts === 0) this.#add(NO_HOST);
    return head.fields.starts[0] ?? 0;
  }

  #statusLine(source: Buffer, head: ResponseHead): number {
    this.length = 0;
    const codeFrom = head.reasonFrom - 3;
    if (head.minor === 1 && head.reasonTo > head.reasonFrom) return codeFrom - STATUS_VERSION.length;
    this.#add(STATUS_VERSION);
    this.#copy(source, codeFrom, head.reasonTo);
    // RFC 9112 s. 4: the blank stays even without a reason.
    if (head.reasonTo === head.reasonFrom) this.#add(SPACE);
    this.#endLine();
    return head.fields.starts[0] ?? 0;
  }

  /** Runs of lines that stay are copied as one. */
  #lines(source: Buffer, from: number, { count, kinds, starts }: Fields, drops: Uint8Array): void {
    let run = from;
    for (let line = 0; line < count; line += 1) {
      if (drops[kinds[line] ?? 0] === 0) continue;
      const start = starts[line] ?? 0;
      if (start > run) this.#copy(source, run, start);
      run = starts[line + 1] ?? 0;
    }
    const end = starts[count] ?? 0;
    if (end > run) this.#copy(source, run, end);
  }

  /** It says something about its client, its id or its trace. */
  #forwarded(source: Buffer, head: RequestHead, from: number, { peer, trusted, serial }: Forwarding): void {
    const { fields, hostFrom, hostTo } = head;
    const kept = keptOf(source, fields, trusted);
    this.#lines(source, from, fields, dropsOf(kept));
    const host = source.toString('latin1', hostFrom, hostTo);
    const lines = forwardingLines(source, fields, { peer, host, kept });
    this.length += this.bytes.write(lines, this.length, 'latin1');
    if ((kept & KEEPS.id) === 0) {
      this.#add(idLine);
      requestIds.write(serial, this.bytes, this.length - ID_AT);
    }
    if ((kept & KEEPS.trace) !== 0) return;
    this.#add(traceLine);
    fillTrace(this.bytes, this.length, serial);
  }

  #value(name: Buffer, source: Buffer, { valueFrom, valueTo }: Fields): void {
    this.#add(name);
    this.#copy(source, valueFrom, valueTo);
    this.#endLine();
  }

  #endLine(): void {
    this.bytes[this.length] = CR;
    this.bytes[this.length + 1] = LF;
    this.length += 2;
  }

  #add(constant: Buffer): void {
    this.bytes.set(constant, this.length);
    this.length += constant.length;
  }

  #copy(source: Buffer, from: number, to: number): void {
    source.copy(this.bytes, this.length, from, to);
    this.length += to - from;
  }
}
