/**
 * Hunts messages that the gateway and an instance read in two ways: what a grammar and chance make of HTTP is read
 * by our scanner and by Node's, and nothing on which they disagree may be passed on - neither as it came nor as
 * the gateway writes it. `SEGUE_FUZZ_MESSAGES` and `SEGUE_FUZZ_SEED` make a longer run, or an earlier one again.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeadWriter } from '../../src/gateway/http1/head-writer.ts';
import { Peer } from '../../src/gateway/http1/peer.ts';
import { RequestHead } from '../../src/gateway/http1/request-head.ts';
import { Chance } from '../support/chance.ts';
import { someInput } from '../support/http1-grammar.ts';
import { readRequests, type SeenRequest } from '../support/http1-verdict.ts';
import { NodeHttpReader } from '../support/node-http-reader.ts';

const MESSAGES = Number(process.env['SEGUE_FUZZ_MESSAGES'] ?? 100_000);
const SEED = Number(process.env['SEGUE_FUZZ_SEED'] ?? 1);
const BATCH = 250;

const forwarding = { peer: new Peer('192.0.2.1'), trusted: false, serial: 1, upgrade: false };

/** The first request as the instance gets it; its body as it came, in one piece. */
function passedOn(input: Buffer, { body }: SeenRequest): Buffer {
  const head = new RequestHead();
  const writer = new HeadWriter();
  head.scan(input, 0, input.length);
  writer.request(input, head, forwarding);
  const size = body.length.toString(16);
  const framed = head.fields.chunked ? `${body === '' ? '' : `${size}\r\n${body}\r\n`}0\r\n\r\n` : body;
  return Buffer.concat([writer.bytes.subarray(0, writer.length), Buffer.from(framed, 'latin1')]);
}

/** What both readers have to agree on. A whole URL as target is ours to take apart. */
function essence({ method, target, fields, body }: SeenRequest): unknown {
  const path = target.replace(/^http:\/\/[^/?]*/i, '');
  return { method, target: path === '' || path.startsWith('?') ? `/${path}` : path, fields, body };
}

const HOP_BY_HOP = new Set(['connection', 'te', 'transfer-encoding', 'upgrade']);
const ADDED = new Set([
  ...['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'forwarded'],
  ...['x-request-id', 'traceparent', 'tracestate', 'via'],
]);

/** Less what belongs to one connection, what the gateway adds, and what `Connection` names. */
function passable({ method, target, fields, body }: SeenRequest, named: readonly string[]): unknown {
  const kept = fields.filter(
    ([name, value]) =>
      !HOP_BY_HOP.has(name) &&
      !ADDED.has(name) &&
      !named.includes(name) &&
      !(name === 'content-length' && value === '0'),
  );
  return essence({ method, target, fields: kept, body, complete: true });
}

const namedBy = ({ fields }: SeenRequest) =>
  fields
    .filter(([name]) => name === 'connection')
    .flatMap(([, value]) => value.split(',').map((option) => option.trim().toLowerCase()))
    .filter((option) => !['host', 'content-length'].includes(option));

test(`${MESSAGES} messages, seed ${SEED}: taken only if both readers agree`, async () => {
  const chance = new Chance(SEED);
  const reader = new NodeHttpReader();
  let taken = 0;
  let refused = 0;
  for (let done = 0; done < MESSAGES; done += BATCH) {
    const inputs = Array.from({ length: BATCH }, () => Buffer.from(someInput(chance), 'latin1'));
    const ours = inputs.map((input) => readRequests(input));
    const theirs = await reader.read(inputs);
    const rewritten: { input: Buffer; request: SeenRequest; bytes: Buffer }[] = [];
    for (const [at, { requests, refusal }] of ours.entries()) {
      const input = inputs[at] ?? Buffer.alloc(0);
      if (refusal !== undefined) refused += 1;
      for (const [which, request] of requests.entries()) {
        const other = theirs[at]?.[which];
        const said = JSON.stringify(input.toString('latin1'));
        assert.ok(other, `only we see request ${which} in ${said}`);
        assert.deepEqual(essence(request), essence(other), said);
        if (request.complete) assert.ok(other.complete, `only for us it is complete: ${said}`);
      }
      const [first] = requests;
      if (!first?.complete) continue;
      taken += 1;
      rewritten.push({ input, request: first, bytes: passedOn(input, first) });
    }
    const passed = await reader.read(rewritten.map(({ bytes }) => bytes));
    for (const [at, { input, request, bytes }] of rewritten.entries()) {
      const said = `${JSON.stringify(input.toString('latin1'))} passed on as ${JSON.stringify(bytes.toString('latin1'))}`;
      const [seen, ...more] = passed[at] ?? [];
      assert.ok(seen?.complete && more.length === 0, `not one request: ${said}`);
      assert.deepEqual(passable(seen, []), passable(request, namedBy(request)), said);
    }
  }
  reader.close();
  // Both have to happen often, or nothing was shown.
  assert.ok(taken > MESSAGES / 20 && refused > MESSAGES / 20, `${taken} taken, ${refused} refused`);
});
