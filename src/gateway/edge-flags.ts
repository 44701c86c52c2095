/**
 * Flags of one service at the edge: evaluated for each request, told to the instance in one signed header, counted by
 * variant. Compiled once per change of the routing; nothing that is wrong with a flag is ever a request's trouble.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import {
  type EdgeLacks,
  type EdgeRouting,
  type EdgeShare,
  FLAGS_HEADER,
  FLAGS_KEY_PURPOSE,
  type SharedOutcome,
  VISITOR_COOKIE,
} from '../core/flags/edge.ts';
import type { Context, Evaluation } from '../core/flags/evaluation.ts';
import { Flag } from '../core/flags/flag.ts';
import { FlagSet } from '../core/flags/flag-set.ts';
import type { Json } from '../core/flags/json.ts';
import { SHARED_OUT } from '../core/flags/share.ts';
import { limits } from '../core/limits.ts';
import { cookieValues } from '../core/traffic/fields.ts';
import { hashOf } from '../core/traffic/hash.ts';
import type { Call } from './call.ts';
import { nowMs } from './clock.ts';
import type { FlagRow, ServiceTally } from './service-tally.ts';
import type { Ticket } from './tally.ts';

export interface FlagOutcome {
  /** For the instance, with its end. */
  readonly line: Buffer;
  /** For the client, with its end; null: it has its cookie, or needs none. */
  readonly cookie: Buffer | null;
  readonly rows: readonly FlagRow[];
  readonly visitor: Visitor;
  /** What the version that it is for has no code of. */
  readonly lacks: EdgeLacks | undefined;
  /** Of flags that are being rolled out; null: nothing was shared out. */
  readonly shared: SharedRows | null;
}

/** Which row it is depends on the version that the request comes to. */
interface SharedRows {
  readonly outcome: SharedOutcome;
  readonly hash: number;
  readonly rowsAt: (version: string) => readonly FlagRow[];
}

type SharedFlag = SharedOutcome['flags'][number];

interface Share extends Omit<EdgeShare, 'mark'> {
  readonly mark: Flag;
}

interface Visitor {
  /** Null: nobody knows. */
  readonly key: string | null;
  readonly cookie: Buffer | null;
}

const ID_BYTES = 12;
/** For the flags: beside them there is the key, and four characters stand for three bytes. */
const ROOM_BYTES = limits.gateway.flagsLineBytesMax / 2;
const TOKEN = /^([\w-]{16})\.([\w-]{22})$/;

export class EdgeFlagDesk {
  readonly #routing: EdgeRouting;
  readonly #secret: string;
  readonly #headerKey: Buffer;
  readonly #set: FlagSet;
  readonly #tally: ServiceTally;
  readonly #text: string;
  readonly #salt: number;
  readonly #verifiedBefore = new Set<string>();
  readonly #shares: ReadonlyMap<string, Share>;
  /** Of what each variant adds to the header. */
  readonly #sizes = new Map<string, number>();

  private constructor(routing: EdgeRouting, secret: string, tally: ServiceTally) {
    this.#routing = routing;
    this.#text = JSON.stringify(routing);
    this.#secret = secret;
    this.#salt = hashOf(secret);
    this.#headerKey = Buffer.from(createHmac('sha256', secret).update(FLAGS_KEY_PURPOSE).digest('base64url'));
    this.#set = new FlagSet(routing.definitions);
    this.#shares = new Map(
      Object.entries(routing.shares ?? {}).map(([flag, share]) => [
        flag,
        { ...share, mark: new Flag(flag, share.mark) },
      ]),
    );
    this.#tally = tally;
  }

  /** The one before as long as the routing asks for the same. */
  static next(
    before: EdgeFlagDesk | null,
    routing: EdgeRouting | null,
    secret: string | null,
    tally: ServiceTally,
  ): EdgeFlagDesk | null {
    if (routing === null || secret === null || routing.flags.length === 0) return null;
    const isSame = before !== null && before.#secret === secret && before.#text === JSON.stringify(routing);
    return isSame ? before : new EdgeFlagDesk(routing, secret, tally);
  }

  /** `before`: for the instance that had the request first. It is the same visitor's, whichever version answers. */
  outcomeOf(call: Call, version: string, before: FlagOutcome | null): FlagOutcome {
    const { without = {} } = this.#routing;
    const lacks = Object.hasOwn(without, version) ? without[version] : undefined;
    if (before !== null && before.lacks === lacks) return before;
    const visitor = before === null ? this.#visitorOf(call) : before.visitor;
    const { key, cookie } = visitor;
    const context = contextOf(call, key);
    const atMs = nowMs();
    const told: Record<string, { readonly variant: string; readonly value: Json }> = {};
    const rows: FlagRow[] = [];
    const shared: SharedFlag[] = [];
    let room = ROOM_BYTES;
    for (const flag of this.#routing.flags) {
      const isLacking = lacks !== undefined && Object.hasOwn(lacks, flag);
      const { variant, value } = isLacking
        ? this.#lowest(flag, lacks[flag] ?? null)
        : this.#evaluated(flag, context, atMs, { shared, rows });
      if (isLacking) this.#countWith(rows, flag, variant);
      if (variant === null || value === undefined) continue;
      room -= this.#bytesOf(flag, variant, value);
      if (room >= 0) told[flag] = { variant, value };
    }
    const line = this.#lineOf({ key, flags: told });
    return { line, cookie, rows, visitor, lacks, shared: this.#sharedRows(shared, key) };
  }

  /** Whoever is shared out is counted apart: at a version without the code nobody is. */
  #evaluated(
    flag: string,
    context: Context,
    atMs: number,
    { shared, rows }: { shared: SharedFlag[]; rows: FlagRow[] },
  ): Evaluation {
    const evaluation = this.#set.evaluate(flag, context, atMs);
    const share = this.#shares.get(flag);
    const got = share === undefined ? null : sharedBy(share, evaluation, context, atMs);
    if (got !== null) shared.push(got);
    else this.#countWith(rows, flag, evaluation.variant);
    return evaluation;
  }

  /** As it is told: a letter may be four bytes, and a sign that is written in words six. */
  #bytesOf(flag: string, variant: string, value: Json): number {
    const name = `${flag}\n${variant}`;
    const known = this.#sizes.get(name);
    if (known !== undefined) return known;
    const bytes = Buffer.byteLength(JSON.stringify({ [flag]: { variant, value } }));
    this.#sizes.set(name, bytes);
    return bytes;
  }

  #countWith(rows: FlagRow[], flag: string, variant: string | null): void {
    const row = this.#tally.flagRow(flag, variant ?? '');
    if (row !== null) rows.push(row);
  }

  #sharedRows(flags: SharedOutcome['flags'], key: string | null): SharedRows | null {
    if (flags.length === 0 || key === null) return null;
    const hash = hashOf(key, this.#salt);
    const rowsAt = (version: string) =>
      flags.map(({ flag, variant, ...share }) => this.#tally.sharedRow(flag, variant, { ...share, version }));
    return { outcome: { visitor: hash.toString(36), flags }, hash, rowsAt };
  }

  #lowest(flag: string, variant: string | null) {
    return {
      variant,
      value: variant === null ? undefined : this.#routing.definitions[flag]?.variants[variant],
    };
  }

  #lineOf(outcome: object): Buffer {
    const payload = Buffer.from(JSON.stringify(outcome)).toString('base64url');
    const signature = createHmac('sha256', this.#headerKey).update(payload).digest('base64url');
    return Buffer.from(`${FLAGS_HEADER}: ${payload}.${signature}\r\n`, 'latin1');
  }

  #visitorOf(call: Call): Visitor {
    const { key } = this.#routing;
    if (key === null) return this.#ownVisitor(call);
    const value = key.type === 'header' ? call.field(key.name) : cookieValues(call.cookies, key.name, 1)[0];
    const isUsable = value !== undefined && value !== '' && value.length <= limits.gateway.flagKeyCharsMax;
    return { key: isUsable ? value : null, cookie: null };
  }

  #ownVisitor(call: Call): Visitor {
    for (const token of cookieValues(call.cookies, VISITOR_COOKIE, limits.gateway.stickyCookiesMax))
      if (this.#isOurs(token)) return { key: token.slice(0, token.indexOf('.')), cookie: null };
    const id = randomBytes(ID_BYTES).toString('base64url');
    const where = `Max-Age=${limits.gateway.visitorMaxAgeS}; Path=/; HttpOnly; SameSite=Lax${call.isSecure ? '; Secure' : ''}`;
    const line = `Set-Cookie: ${VISITOR_COOKIE}=${id}.${this.#signature(id)}; ${where}\r\n`;
    return { key: id, cookie: Buffer.from(line, 'latin1') };
  }

  /** Signed, so that nobody chooses the variant that they get. */
  #isOurs(token: string): boolean {
    if (this.#verifiedBefore.has(token)) return true;
    const [, id, signature] = TOKEN.exec(token) ?? [];
    if (id === undefined || signature === undefined) return false;
    if (!timingSafeEqual(Buffer.from(this.#signature(id)), Buffer.from(signature))) return false;
    if (this.#verifiedBefore.size >= limits.gateway.visitorsVerifiedMax) this.#verifiedBefore.clear();
    this.#verifiedBefore.add(token);
    return true;
  }

  #signature(id: string): string {
    return createHmac('sha256', this.#secret).update(`visitor ${id}`).digest('base64url').slice(0, 22);
  }
}

/** For the counts of this request, at this version (T5). */
export function tellFlags(ticket: Ticket, { rows, shared }: FlagOutcome, version: string): void {
  if (shared === null) {
    ticket.flags = rows;
    return;
  }
  const own = shared.rowsAt(version);
  for (const row of own) row.countKey(shared.hash);
  ticket.flags = [...rows, ...own];
  ticket.shared = shared.outcome;
}

/** With the variant's own part of those who are shared out; null: a rule gave it, or nobody was shared out. */
function sharedBy(
  { release, to, percent, mark }: Share,
  { flag, variant, reason }: Evaluation,
  context: Context,
  atMs: number,
): SharedFlag | null {
  if (variant === null || reason !== 'SPLIT') return null;
  if (mark.evaluate(context, atMs).variant !== SHARED_OUT) return null;
  return { release, flag, variant, percent: variant === to ? percent : 100 - percent };
}

function contextOf(call: Call, key: string | null) {
  const { host, routePath: path, methodName: method, address } = call;
  return { ...(key === null ? {} : { targetingKey: key }), host, path, method, address };
}
