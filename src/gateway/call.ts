/** One request of a client, from its head to the end of its response, whichever instances it meets. */
import { limits } from '../core/limits.ts';
import { clientAddress } from '../core/traffic/client-address.ts';
import type { RequestFacts } from '../core/traffic/matcher.ts';
import { pathOf } from '../core/traffic/match.ts';
import { Networks } from '../core/traffic/networks.ts';
import type { AccessLog } from './access-log/access-log.ts';
import type { Part } from './part.ts';
import type { ClientConnection } from './client-connection.ts';
import { equalsIgnoringCase } from './http1/bytes.ts';
import { FIELD } from './http1/field.ts';
import { valuesOf } from './http1/forwarding.ts';
import type { FlagOutcome } from './edge-flags.ts';
import type { HeadWriter } from './http1/head-writer.ts';
import { isIdempotent, METHOD } from './http1/method.ts';
import type { Scan } from './http1/refusal.ts';
import { asksForH2c, RequestHead } from './http1/request-head.ts';
import { requestIds } from './ids.ts';
import type { ShadowPair } from './shadow-pair.ts';
import type { CallSession } from './stickiness.ts';
import { RequestBody } from './request-body.ts';
import type { Ticket } from './tally.ts';

const NOBODY = new Networks([]);

/** The head scanned last, of whichever call: heads are read and passed on in one go, so one is enough. */
const head = new RequestHead();
let scanned: Buffer | undefined;

/** Scans the head that these bytes begin with; `new Call` takes what was found. */
export function scanHead(bytes: Buffer): Scan {
  scanned = bytes;
  return head.scan(bytes, 0, bytes.length);
}

/** Where the head scanned last ends. */
export const headEnd = (): number => head.end;

export class Call implements RequestFacts {
  readonly client: ClientConnection;
  readonly method: number;
  /** HTTP/1.x. */
  readonly minor: number;
  /** As routes are found by it. */
  readonly host: string;
  #routePath: string | undefined;
  /** Null: none. */
  readonly body: RequestBody | null;
  /** The protocol that the client asks for instead of HTTP. */
  readonly upgrade: string | null;
  /** The client waits for a word before it sends the body. */
  readonly expectsContinue: boolean;
  /** Its id is made from it, the same for every try. */
  readonly serial = requestIds.next();
  /** The client wants to send more on this connection. */
  readonly keepAlive: boolean;
  /** T2: may be sent again although an instance may have seen it. */
  readonly replayable: boolean;
  /** Whose word on other clients counts. */
  trust: Networks = NOBODY;
  /** Null: nothing is sticky here, or not asked for yet. */
  session: CallSession | null = null;
  /** Where it was put under the routing that it last met, and whose instance it got (T5). Null: all are alike. */
  assigned: Part | null = null;
  part: Part | null = null;
  /** It is compared with its copy at a candidate; null: it has none. */
  pair: ShadowPair | null = null;
  /** What flags give it; null: none is evaluated here, or not yet. */
  flags: FlagOutcome | null = null;
  tries = 0;
  /** When a wait for an instance ends (T7); set by the first wait. */
  holdUntilMs: number | undefined;
  /** When the whole request has to be over, streams excepted. */
  deadlineMs = Infinity;
  /** How long its client waits for the next word once it has ended its side. */
  halfClosedMs: number = limits.gateway.halfClosedMs;
  /** For the access log; null: there is none. */
  log: AccessLog | null = null;
  service = '';
  /** When it was accepted; 0: no service was found. */
  startedMs = 0;
  heldMs = 0;
  /** How often it was given to an instance, and where it went last. */
  sends = 0;
  ticket: Ticket | null = null;
  /** An instance has said something of it, 1xx included: nobody else is asked (T2). */
  heard = false;
  /** The client was told to send its body. */
  continued = false;
  /** Something of its response has been sent: there can be no other one. */
  responding = false;
  /** Instances that could not be reached in this round. */
  #tried: Set<string> | undefined;
  readonly #bytes: Buffer;
  readonly #headEnd: number;
  #left = false;
  #whenLeft: (() => void) | undefined;

  /** Of the head scanned last. */
  constructor(client: ClientConnection, bytes: Buffer) {
    const { fields } = head;
    this.client = client;
    this.#bytes = bytes;
    this.#headEnd = head.end;
    this.method = head.method;
    this.minor = head.minor;
    this.host = client.hostOf(bytes, head.hostFrom, head.hostTo);
    this.body = bodyOf(head);
    this.upgrade = this.#upgradeOf();
    this.expectsContinue = this.body !== null && fields.seek(bytes, FIELD.expect) >= 0;
    this.keepAlive = !fields.close && (head.minor === 1 || fields.keepAlive);
    this.replayable = this.body === null && this.upgrade === null && isIdempotent(head.method);
  }

  /** As routes are found by it; read when somebody asks for it. */
  get routePath(): string {
    this.#routePath ??= pathOf(this.target) || '/';
    return this.#routePath;
  }

  /** As the client sent it. */
  get head(): Buffer {
    return this.#bytes.subarray(0, this.#headEnd);
  }

  /** As much as it may come to keep of itself until an instance takes it. */
  get keptBytesMax(): number {
    return this.#headEnd + (this.body?.keptBytesMax ?? 0);
  }

  /** The client closed its connection before the response was complete. */
  get left(): boolean {
    return this.#left;
  }

  /** What to do when the client leaves; each stage of the call replaces the one before. */
  set whenLeft(act: (() => void) | undefined) {
    this.#whenLeft = act;
  }

  leave(): void {
    this.#left = true;
    this.#whenLeft?.();
  }

  wasTried(instance: string): boolean {
    return this.#tried?.has(instance) ?? false;
  }

  get triedSome(): boolean {
    return this.#tried !== undefined;
  }

  tried(instance: string): void {
    this.#tried ??= new Set();
    this.#tried.add(instance);
  }

  /** All instances may be tried again. */
  newRound(): void {
    this.tries = 0;
    this.#tried = undefined;
  }

  writeHead(writer: HeadWriter): void {
    this.#rescan();
    const { peer } = this.client;
    writer.request(this.#bytes, head, {
      peer,
      trusted: peer.isTrustedBy(this.trust),
      serial: this.serial,
      upgrade: this.upgrade !== null,
    });
    if (this.flags !== null) writer.addLine(this.flags.line);
  }

  field(name: string): string | undefined {
    const values = this.#valuesOf(name);
    return values.length === 1 ? values[0] : undefined;
  }

  get cookies(): string {
    return this.#valuesOf('cookie').join('; ');
  }

  get target(): string {
    this.#rescan();
    return this.#bytes.toString('latin1', head.pathFrom, head.pathTo);
  }

  get methodName(): string {
    this.#rescan();
    return this.#bytes.toString('latin1', head.methodFrom, head.methodTo);
  }

  /** Who it comes from, as far as those in front of the gateway are to be believed. */
  get address(): string {
    const { peer } = this.client;
    if (!peer.isTrustedBy(this.trust)) return peer.address;
    this.#rescan();
    const said = valuesOf(this.#bytes, head.fields, FIELD.forwardedFor).join(',');
    return clientAddress(peer.address, said, this.trust);
  }

  /** The client came over TLS, to us or to a proxy that is to be believed. */
  get isSecure(): boolean {
    const { peer } = this.client;
    return peer.secure || (peer.isTrustedBy(this.trust) && this.field('x-forwarded-proto') === 'https');
  }

  /** What the client sends after its response cannot be told apart from what it would have sent had it been let. */
  get leavesDoubt(): boolean {
    if (this.upgrade !== null) return true;
    return this.expectsContinue && !this.continued && this.body?.complete === false;
  }

  get peerAddress(): string {
    return this.client.peer.address;
  }

  /** Of the fields with this name, in lower case. Only for services with rules or sessions. */
  #valuesOf(name: string): string[] {
    this.#rescan();
    const { fields } = head;
    const values: string[] = [];
    for (let line = 0; line < fields.count; line += 1) {
      const from = fields.starts[line] ?? 0;
      if (!equalsIgnoringCase(this.#bytes, from, fields.colons[line] ?? 0, name)) continue;
      fields.trim(this.#bytes, line);
      values.push(this.#bytes.toString('latin1', fields.valueFrom, fields.valueTo));
    }
    return values;
  }

  #rescan(): void {
    if (scanned !== this.#bytes) scanHead(this.#bytes);
  }

  /**
   * h2c is not offered, and what has a body or is no GET cannot be told apart from what follows it: those are
   * ordinary requests (RFC 9110 s. 7.8: a server may ignore Upgrade).
   */
  #upgradeOf(): string | null {
    const { fields, method, minor } = head;
    if (!fields.upgrade || method !== METHOD.get || minor === 0 || this.body !== null) return null;
    if (asksForH2c(this.#bytes, head) || fields.seek(this.#bytes, FIELD.upgrade) < 0) return null;
    return this.#bytes.toString('latin1', fields.valueFrom, fields.valueTo) || null;
  }
}

function bodyOf({ fields }: RequestHead): RequestBody | null {
  if (fields.chunked) return new RequestBody('chunked');
  return fields.contentLength > 0 ? new RequestBody(fields.contentLength) : null;
}
