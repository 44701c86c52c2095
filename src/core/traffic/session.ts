/**
 * What the gateway's own cookie says: which session this is, which slot of a split it has, and where it was served
 * last. Everything has a fixed length, so that reading is cheap and nothing large is ever looked at. Versions and
 * instances are tags that only this project's gateway can tell apart.
 */
export interface Session {
  /** 12 random bytes in base64url. */
  readonly id: string;
  /** Drawn once: a session keeps its place in every split. */
  readonly slot: number;
  readonly issuedAtS: number;
  readonly versionTag: string;
  readonly instanceTag: string;
}

export const SESSION_ID_BYTES = 12;
export const TAG_CHARS = 8;
export const SIGNATURE_CHARS = 22;
const FORMAT = '1';
const TIME_CHARS = 7;
const TOKEN = new RegExp(
  `^${FORMAT}([\\w-]{16})(\\d{2})([0-9a-z]{${TIME_CHARS}})([\\w-]{${TAG_CHARS}})([\\w-]{${TAG_CHARS}})([\\w-]{${SIGNATURE_CHARS}})$`,
);
export const TOKEN_CHARS = FORMAT.length + 16 + 2 + TIME_CHARS + 2 * TAG_CHARS + SIGNATURE_CHARS;

/** What is signed. */
export function unsignedToken({ id, slot, issuedAtS, versionTag, instanceTag }: Session): string {
  const time = Math.max(0, issuedAtS).toString(36).padStart(TIME_CHARS, '0');
  return `${FORMAT}${id}${String(slot).padStart(2, '0')}${time}${versionTag}${instanceTag}`;
}

/** Undefined when it is none of ours by its form; whether it is ours says the signature. */
export function readToken(
  token: string,
): { readonly session: Session; readonly unsigned: string; readonly signature: string } | undefined {
  if (token.length !== TOKEN_CHARS) return undefined;
  const [, id = '', slot, time = '', versionTag = '', instanceTag = '', signature = ''] =
    TOKEN.exec(token) ?? [];
  if (slot === undefined) return undefined;
  const session = { id, slot: Number(slot), issuedAtS: Number.parseInt(time, 36), versionTag, instanceTag };
  return { session, unsigned: token.slice(0, -SIGNATURE_CHARS), signature };
}

/** A clock that was set back is no reason to lose sessions. */
const SKEW_S = 300;

export function sessionAge(
  { issuedAtS }: Session,
  nowS: number,
  ttlS: number,
): 'young' | 'to-be-renewed' | 'expired' {
  const ageS = nowS - issuedAtS;
  if (ageS > ttlS) return 'expired';
  return ageS > ttlS / 2 || ageS < -SKEW_S ? 'to-be-renewed' : 'young';
}
