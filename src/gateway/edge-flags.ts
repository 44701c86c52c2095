/**
 * Flags of one service at the edge: evaluated for each request, told to the instance in one signed header, counted by
 * variant. Compiled once per change of the routing; nothing that is wrong with a flag is ever a request's trouble.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import {
  type EdgeLacks,
  type EdgeRouting,
  FLAGS_HEADER,
  FLAGS_KEY_PURPOSE,
  VISITOR_COOKIE,
} from '../core/flags/edge.ts';
import { FlagSet } from '../core/flags/flag-set.ts';
import type { Json } from '../core/flags/json.ts';
import { limits } from '../core/limits.ts';
import { cookieValues } from '../core/traffic/fields.ts';
import type { Call } from './call.ts';
import { nowMs } from './clock.ts';
import type { FlagRow, ServiceTally } from './service-tally.ts';

export interface FlagOutcome {
  /** For the instance, with its end. */
  readonly line: Buffer;
  /** For the client, with its end; null: it has its cookie, or needs none. */
  readonly cookie: Buffer | null;
  readonly rows: readonly FlagRow[];
  readonly visitor: Visitor;
  /** What the version that it is for has no code of. */
  readonly lacks: EdgeLacks | undefined;
}

interface Visitor {
  /** Null: nobody knows. */
  readonly key: string | null;
  readonly cookie: Buffer | null;
}

const ID_BYTES = 12;
const TOKEN = /^([\w-]{16})\.([\w-]{22})$/;

export class EdgeFlagDesk {
  readonly #routing: EdgeRouting;
  readonly #secret: string;
  readonly #headerKey: Buffer;
  readonly #set: FlagSet;
  readonly #tally: ServiceTally;
  readonly #text: string;
  readonly #verifiedBefore = new Set<string>();

  private constructor(routing: EdgeRouting, secret: string, tally: ServiceTally) {
    this.#routing = routing;
    this.#text = JSON.stringify(routing);
    this.#secret = secret;
    this.#headerKey = Buffer.from(createHmac('sha256', secret).update(FLAGS_KEY_PURPOSE).digest('base64url'));
    this.#set = new FlagSet(routing.definitions);
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
    let room = limits.gateway.flagsLineBytesMax / 2;
    for (const flag of this.#routing.flags) {
      const { variant, value } =
        lacks !== undefined && Object.hasOwn(lacks, flag)
          ? this.#lowest(flag, lacks[flag] ?? null)
          : this.#set.evaluate(flag, context, atMs);
      const row = this.#tally.flagRow(flag, variant ?? '');
      if (row !== null) rows.push(row);
      if (variant === null || value === undefined) continue;
      room -= flag.length + variant.length + JSON.stringify(value).length + 32;
      if (room > 0) told[flag] = { variant, value };
    }
    return { line: this.#lineOf({ key, flags: told }), cookie, rows, visitor, lacks };
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

function contextOf(call: Call, key: string | null) {
  const { host, routePath: path, methodName: method, address } = call;
  return { ...(key === null ? {} : { targetingKey: key }), host, path, method, address };
}
