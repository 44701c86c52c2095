/**
 * What makes requests of one client meet the same version, and there the same instance. By a cookie of ours, signed
 * so that nobody else can say where a session belongs, or by a salted hash of what requests carry anyway. A session
 * never outweighs an instance that is gone (row 10 of the loss table): it moves, within its version while it can.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { limits } from '../core/limits.ts';
import { cookieValues } from '../core/traffic/fields.ts';
import { hashOf, rendezvous } from '../core/traffic/hash.ts';
import {
  readToken,
  SESSION_ID_BYTES,
  type Session,
  sessionAge,
  SIGNATURE_CHARS,
  TAG_CHARS,
  unsignedToken,
} from '../core/traffic/session.ts';
import { type Slots, SLOTS } from '../core/traffic/slots.ts';
import type { Sticky } from '../core/traffic/sticky.ts';
import type { Call } from './call.ts';
import { nowMs } from './clock.ts';
import type { Instance } from './instance.ts';

/** Where sessions can be among some instances. */
export interface Places {
  readonly all: readonly Instance[];
  readonly byInstance: ReadonlyMap<string, Instance>;
  readonly byVersion: ReadonlyMap<string, readonly Instance[]>;
}

/** The session of one request. */
export interface CallSession {
  readonly hash: number;
  /** For reports: says which requests belong together, and not whose they are. */
  readonly label: string;
  readonly slot: number;
  /** Null: there is no cookie to be kept. */
  readonly cookie: { readonly known: Session | null; readonly id: string } | null;
}

export interface StickinessOptions {
  readonly service: string;
  readonly sticky: Sticky;
  readonly key: string;
  /** New sessions draw theirs here. */
  readonly slots: Slots;
}

export class Stickiness {
  readonly #options: StickinessOptions;
  readonly #salt: number;
  readonly #tags = new Map<string, string>();
  /** By token: sessions come again, and a signature costs as much as everything else that is done with one. */
  readonly #verifiedBefore = new Map<string, Session>();

  constructor(options: StickinessOptions) {
    this.#options = options;
    this.#salt = hashOf(`${options.key} ${options.service}`);
  }

  /** True while a routing asks for the same: what was drawn and made so far stays good. */
  fits({ service, sticky, key }: Omit<StickinessOptions, 'slots'>): boolean {
    const mine = this.#options;
    return (
      mine.service === service && mine.key === key && JSON.stringify(mine.sticky) === JSON.stringify(sticky)
    );
  }

  /** Null: the request is nobody's. */
  sessionOf(call: Call): CallSession | null {
    const { sticky } = this.#options;
    if (sticky.type === 'cookie') return this.#cookieSession(call, sticky);
    const value = valueOf(call, sticky.of);
    if (value === undefined || value === '') return null;
    const hash = hashOf(value, this.#salt);
    return { hash, label: hash.toString(36), slot: hash % SLOTS, cookie: null };
  }

  placesOf(instances: readonly Instance[]): Places {
    const byInstance = new Map(instances.map((one) => [this.#tagOf('instance', one.id), one]));
    const byVersion = Map.groupBy(instances, ({ version }) => this.#tagOf('version', version));
    return { all: instances, byInstance, byVersion };
  }

  /** The instance that the session belongs to, if it can have it. */
  home({ hash, cookie }: CallSession, { all, byInstance }: Places, call: Call): Instance | undefined {
    if (cookie === null)
      return rendezvous(
        hash,
        all.filter((one) => canServe(one, call)),
        hashOfInstance,
      );
    const home = cookie.known ? byInstance.get(cookie.known.instanceTag) : undefined;
    return home && canServe(home, call) ? home : undefined;
  }

  /** Instances of the version that the session was served by; undefined: it is new, or they are gone. */
  alike({ cookie }: CallSession, { byVersion }: Places): readonly Instance[] | undefined {
    return cookie?.known ? byVersion.get(cookie.known.versionTag) : undefined;
  }

  wasServedBy({ cookie }: CallSession, version: string): boolean {
    return cookie?.known?.versionTag === this.#tagOf('version', version);
  }

  /** The line that tells the client where its session is now; null while the client knows. */
  cookieLine(call: Call, instance: Instance): Buffer | null {
    const { sticky } = this.#options;
    if (!call.session?.cookie || sticky.type !== 'cookie') return null;
    const { slot, cookie } = call.session;
    const instanceTag = this.#tagOf('instance', instance.id);
    const versionTag = this.#tagOf('version', instance.version);
    const { known, id } = cookie;
    const nowS = Math.floor(nowMs() / 1000);
    const ttlS = Math.ceil(sticky.ttlMs / 1000);
    const told = known?.instanceTag === instanceTag && known.versionTag === versionTag;
    if (told && sessionAge(known, nowS, ttlS) === 'young') return null;
    if (known && !told && isOnlyBusy(call.part?.places?.byInstance.get(known.instanceTag), call)) return null;
    const unsigned = unsignedToken({ id, slot, issuedAtS: nowS, versionTag, instanceTag });
    const value = `${unsigned}${this.#signature(unsigned)}`;
    const where = `Max-Age=${ttlS}; Path=/; HttpOnly; SameSite=Lax${call.isSecure ? '; Secure' : ''}`;
    return Buffer.from(`Set-Cookie: ${sticky.name}=${value}; ${where}\r\n`, 'latin1');
  }

  #cookieSession(call: Call, { name, ttlMs }: Extract<Sticky, { type: 'cookie' }>): CallSession {
    const { stickyCookiesMax } = limits.gateway;
    for (const value of cookieValues(call.cookies, name, stickyCookiesMax)) {
      const known = this.#verified(value, Math.ceil(ttlMs / 1000));
      if (known) {
        return this.#session(known.id, known.slot, known);
      }
    }
    const id = randomBytes(SESSION_ID_BYTES).toString('base64url');
    return this.#session(id, this.#options.slots.take(), null);
  }

  #session(id: string, slot: number, known: Session | null): CallSession {
    const hash = hashOf(id, this.#salt);
    return { hash, label: hash.toString(36), slot, cookie: { known, id } };
  }

  #verified(token: string, ttlS: number): Session | null {
    const session = this.#verifiedBefore.get(token) ?? this.#verify(token);
    return session && sessionAge(session, Math.floor(nowMs() / 1000), ttlS) !== 'expired' ? session : null;
  }

  #verify(token: string): Session | null {
    const read = readToken(token);
    if (!read) return null;
    const expected = Buffer.from(this.#signature(read.unsigned), 'latin1');
    if (!timingSafeEqual(expected, Buffer.from(read.signature, 'latin1'))) return null;
    if (this.#verifiedBefore.size >= limits.gateway.stickyVerifiedMax) this.#verifiedBefore.clear();
    this.#verifiedBefore.set(token, read.session);
    return read.session;
  }

  #signature(unsigned: string): string {
    return this.#mac(`cookie ${unsigned}`).slice(0, SIGNATURE_CHARS);
  }

  #tagOf(kind: 'version' | 'instance', name: string): string {
    const text = `${kind} ${name}`;
    let tag = this.#tags.get(text);
    if (tag === undefined) {
      if (this.#tags.size >= limits.gateway.stickyTagsMax) this.#tags.clear();
      this.#tags.set(text, (tag = this.#mac(text).slice(0, TAG_CHARS)));
    }
    return tag;
  }

  /** Another one for each service: what one of them signed says nothing to another. */
  #mac(text: string): string {
    const { key, service } = this.#options;
    return createHmac('sha256', key).update(`${service} ${text}`).digest('base64url');
  }
}

const hashOfInstance = ({ hash }: Instance) => hash;
const canServe = ({ id, load }: Instance, call: Call) => load < Infinity && !call.wasTried(id);

/** It has as many requests as it may: the session visits another instance and comes back. */
function isOnlyBusy(home: Instance | undefined, call: Call): boolean {
  return home !== undefined && !home.gate.isOut && !call.wasTried(home.id);
}

function valueOf(call: Call, of: Extract<Sticky, { type: 'hash' }>['of']): string | undefined {
  switch (of.type) {
    case 'header':
      return call.field(of.name);
    case 'cookie':
      return cookieValues(call.cookies, of.name, 1)[0];
    case 'address':
      return call.address;
  }
}
