/** A record as a line of JSON. What a client sent is only ever a value in it, so no line can be forged. */
import { clientAddress } from '../../core/traffic/client-address.ts';
import { equalsIgnoringCase } from '../http1/bytes.ts';
import { FIELD } from '../http1/field.ts';
import { KEEPS, keptOf, valuesOf } from '../http1/forwarding.ts';
import { RequestHead } from '../http1/request-head.ts';
import { requestIds } from '../ids.ts';
import type { LogRecord } from './record.ts';

/** Of this file alone: the one that calls share must not change under them. */
const head = new RequestHead();

export function logLine(record: LogRecord, heads: Buffer, withQuery: boolean): string {
  const { headFrom, headTo, status, sends } = record;
  head.scan(heads, headFrom, headTo);
  const target = heads.toString('latin1', head.pathFrom, head.pathTo);
  const question = target.indexOf('?');
  return JSON.stringify({
    time: new Date(record.atMs).toISOString(),
    service: known(record.service),
    version: known(record.version),
    instance: known(record.instance),
    routing: record.routing === 0 ? null : record.routing,
    client: clientOf(record, heads),
    method: heads.toString('latin1', head.methodFrom, head.methodTo),
    host: record.host,
    path: question === -1 ? target : target.slice(0, question),
    ...(withQuery && question !== -1 ? { query: target.slice(question + 1) } : {}),
    status: status === 0 ? null : status,
    outcome: record.outcome,
    durationMs: tenths(record.durationMs),
    heldMs: tenths(record.heldMs),
    retries: Math.max(0, sends - 1),
    bytesIn: record.bytesIn,
    bytesOut: record.bytesOut,
    requestId: idOf(record, heads),
    userAgent: fieldOf(heads, 'user-agent'),
  });
}

const known = (text: string): string | null => (text === '' ? null : text);

const tenths = (ms: number): number => Math.round(ms * 10) / 10;

/** As far as those in front of the gateway are to be believed. */
function clientOf({ peer, trust }: LogRecord, heads: Buffer): string {
  if (trust === null) return peer;
  return clientAddress(peer, valuesOf(heads, head.fields, FIELD.forwardedFor).join(','), trust);
}

/** The one that the instance saw. */
function idOf({ trust, serial }: LogRecord, heads: Buffer): string | null {
  const kept = keptOf(heads, head.fields, trust !== null) & KEEPS.id;
  return kept ? fieldOf(heads, 'x-request-id') : requestIds.text(serial);
}

/** Null: not there. */
function fieldOf(heads: Buffer, name: string): string | null {
  const { fields } = head;
  for (let line = 0; line < fields.count; line += 1) {
    if (!equalsIgnoringCase(heads, fields.starts[line] ?? 0, fields.colons[line] ?? 0, name)) continue;
    fields.trim(heads, line);
    return heads.toString('latin1', fields.valueFrom, fields.valueTo);
  }
  return null;
}
