/**
 * `import { readFlags, segueFlags } from 'segue/flags'`: what the gateway says about flags, for programs that it
 * stands in front of. Runs in the user's process, on Node 20 and newer, and imports nothing but Node.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

type Value = string | number | boolean | object;

interface Told {
  readonly variant: string;
  readonly value: Value;
}

/** What this user gets. Where the gateway said nothing, everything is the default of the code. */
export class Flags {
  /** Who the user is, as flags see it; null: nobody knows. */
  readonly targetingKey: string | null;
  readonly #told: ReadonlyMap<string, Told>;

  constructor(targetingKey: string | null, told: ReadonlyMap<string, Told>) {
    this.targetingKey = targetingKey;
    this.#told = told;
  }

  /** Of the type of `fallback`; else that. */
  value<T extends Value>(flag: string, fallback: T): T {
    const value = this.#told.get(flag)?.value;
    return isLike(value, fallback) ? value : fallback;
  }

  isOn(flag: string): boolean {
    return this.value(flag, false);
  }

  /** Null: the default of the code. */
  variant(flag: string): string | null {
    return this.#told.get(flag)?.variant ?? null;
  }
}

const NOTHING = new Flags(null, new Map());

function isLike<T extends Value>(value: Value | undefined, fallback: T): value is T {
  return typeof value === typeof fallback && Array.isArray(value) === Array.isArray(fallback);
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Of a request's headers. One that is missing, forged or damaged says nothing, and never throws. */
export function readFlags(headers: Headers, key: string | undefined = process.env['SEGUE_FLAGS_KEY']): Flags {
  const line = headers['segue-flags'];
  if (typeof line !== 'string' || key === undefined || key === '') return NOTHING;
  const [payload = '', signature = ''] = line.split('.');
  const expected = createHmac('sha256', key).update(payload).digest();
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return NOTHING;
  try {
    return flagsOf(JSON.parse(Buffer.from(payload, 'base64url').toString()));
  } catch {
    return NOTHING;
  }
}

function flagsOf(outcome: unknown): Flags {
  if (!isRecord(outcome) || !isRecord(outcome['flags'])) return NOTHING;
  const told = new Map<string, Told>();
  for (const [flag, one] of Object.entries(outcome['flags'])) {
    if (!isRecord(one)) continue;
    const { variant, value } = one;
    if (typeof variant === 'string' && isValue(value)) told.set(flag, { variant, value });
  }
  return new Flags(typeof outcome['key'] === 'string' ? outcome['key'] : null, told);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isValue(value: unknown): value is Value {
  return ['string', 'number', 'boolean'].includes(typeof value) || isRecord(value);
}

interface FlaggedRequest {
  readonly headers: Headers;
  flags?: Flags;
}

/** For Express and whatever else takes its middleware: `app.use(segueFlags())` puts `request.flags` there. */
export function segueFlags(
  key?: string,
): (request: FlaggedRequest, response: unknown, next: () => void) => void {
  return (request, _response, next) => {
    request.flags = key === undefined ? readFlags(request.headers) : readFlags(request.headers, key);
    next();
  };
}
