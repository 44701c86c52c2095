/**
 * A response that does not end by itself: server-sent events. Asked to end (T3), it ends after a whole event, as
 * a complete response, and its client connects again (HTML s. 9.2.3).
 */
import type { LongStream } from './drain.ts';
import { EventBoundaries } from './event-boundaries.ts';
import { startsIgnoringCase } from './http1/bytes.ts';
import { FIELD } from './http1/field.ts';
import type { ResponseHead } from './http1/response-head.ts';

const TYPE = 'text/event-stream';
const AFTER_TYPE = new Set([';', ' ', '\t', '']);

/** Where a stream of events is to be cut. */
export class EventCut {
  readonly #boundaries = new EventBoundaries();
  #told = false;

  /** True when nothing more may be sent. */
  tell(): boolean {
    this.#told = true;
    return this.#boundaries.atBoundary;
  }

  /** The offset after the last event to be sent; undefined: all of it may be sent. */
  take(part: Buffer): number | undefined {
    if (this.#told) return this.#boundaries.nextEnd(part, 0);
    this.#boundaries.pass(part);
    return undefined;
  }
}

export interface EventStreamEnds {
  /** Makes what was sent the whole response. */
  readonly complete: () => void;
  readonly cut: () => void;
}

export class EventStream implements LongStream {
  /** Undefined: the events cannot be seen. */
  readonly events: EventCut | undefined;
  readonly #ends: EventStreamEnds;

  constructor(readable: boolean, ends: EventStreamEnds) {
    this.events = readable ? new EventCut() : undefined;
    this.#ends = ends;
  }

  tell(): void {
    if (this.events?.tell()) this.#ends.complete();
  }

  cut(): void {
    this.#ends.cut();
  }
}

export function isEventStream(bytes: Buffer, { fields }: ResponseHead): boolean {
  if (fields.seek(bytes, FIELD.contentType) < 0) return false;
  const { valueFrom, valueTo } = fields;
  if (!startsIgnoringCase(bytes, valueFrom, valueTo, TYPE)) return false;
  const after = valueFrom + TYPE.length;
  return AFTER_TYPE.has(bytes.toString('latin1', after, Math.min(after + 1, valueTo)));
}

/** The events can be told apart, and the response can be ended between two. */
export function hasVisibleEvents({ fields }: ResponseHead): boolean {
  return fields.contentLength < 0 && !fields.has(FIELD.contentEncoding);
}
