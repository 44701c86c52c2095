/** One request as it is kept until it is written: numbers, references, and the bytes of its head. */
import type { Networks } from '../../core/traffic/networks.ts';
import type { Call } from '../call.ts';

/**
 * `answered` by an instance, `broken` in the middle of its response, `left` by the client; anything else is the
 * reason for an answer of the gateway's own (`Segue-Error`).
 */
export type LogOutcome = string;

export const ANSWERED: LogOutcome = 'answered';
export const BROKEN: LogOutcome = 'broken';
export const LEFT: LogOutcome = 'left';

export class LogRecord {
  atMs = 0;
  durationMs = 0;
  heldMs = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** 0: none was sent. */
  status = 0;
  sends = 0;
  routing = 0;
  service = '';
  version = '';
  instance = '';
  host = '';
  outcome: LogOutcome = ANSWERED;
  peer = '';
  /** The networks whose word on other clients counts, when the peer is in one of them. */
  trust: Networks | null = null;
  /** Its id is made from it, unless a trusted peer gave it one. */
  serial = 0;
  /** Where its head lies in the bytes of its batch. */
  headFrom = 0;
  headTo = 0;

  fill(call: Call, outcome: LogOutcome, status: number): void {
    const { ticket } = call;
    this.heldMs = call.heldMs;
    this.sends = call.sends;
    this.service = call.service;
    this.host = call.host;
    this.outcome = outcome;
    this.status = status;
    this.peer = call.peerAddress;
    this.trust = call.client.peer.isTrustedBy(call.trust) ? call.trust : null;
    this.serial = call.serial;
    this.bytesIn = ticket?.bytesIn ?? 0;
    this.bytesOut = ticket?.bytesOut ?? 0;
    this.version = ticket?.row.assignment.version ?? '';
    this.instance = ticket?.instance ?? '';
    this.routing = ticket?.era.routing ?? 0;
  }
}
