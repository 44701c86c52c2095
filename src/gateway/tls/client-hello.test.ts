/** Hunts a ticket that is read from the wrong place, and a message that makes the reader wait or throw. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chance } from '../../../test/support/chance.ts';
import { ticketOf } from './client-hello.ts';

const sized = (bytes: number, content: Buffer) => {
  const size = Buffer.alloc(bytes);
  size.writeUIntBE(content.length, 0, bytes);
  return Buffer.concat([size, content]);
};
const extension = (type: number, content: Buffer) =>
  Buffer.concat([Buffer.from([type >> 8, type & 255]), sized(2, content)]);

function hello(...extensions: readonly Buffer[]): Buffer {
  const body = Buffer.concat([
    Buffer.alloc(2 + 32),
    sized(1, Buffer.alloc(32)),
    sized(2, Buffer.alloc(4)),
    sized(1, Buffer.alloc(1)),
    sized(2, Buffer.concat(extensions)),
  ]);
  const message = Buffer.concat([Buffer.from([1]), sized(3, body)]);
  return Buffer.concat([Buffer.from([0x16, 3, 1]), sized(2, message)]);
}

const TICKET = Buffer.from('0123456789abcdef and the rest of it');
const OTHER = extension(10, Buffer.alloc(8));
const psk = (ticket: Buffer) =>
  extension(
    41,
    Buffer.concat([sized(2, Buffer.concat([sized(2, ticket), Buffer.alloc(4)])), Buffer.alloc(35)]),
  );

test('the ticket of TLS 1.2, that of 1.3, and none', () => {
  assert.deepEqual(ticketOf(hello(OTHER, extension(35, TICKET), OTHER)), TICKET);
  assert.deepEqual(ticketOf(hello(OTHER, extension(35, Buffer.alloc(0)), psk(TICKET))), TICKET);
  assert.equal(ticketOf(hello(OTHER, extension(35, Buffer.alloc(0)))), null);
  assert.equal(ticketOf(Buffer.from('GET / HTTP/1.1\r\n')), null);
});

test('as long as it is not whole more has to come, but never more than a record', () => {
  const whole = hello(extension(35, TICKET));
  for (let to = 0; to < whole.length; to += 1) assert.equal(ticketOf(whole.subarray(0, to)), undefined);
  assert.deepEqual(ticketOf(Buffer.concat([whole, Buffer.from('more')])), TICKET);
  assert.equal(ticketOf(Buffer.from([0x16, 3, 1, 255, 255, 1])), null);
});

test('whatever is changed in it, it is read or not, and nothing is thrown', () => {
  const chance = new Chance(3);
  const whole = hello(OTHER, extension(35, TICKET), psk(TICKET));
  for (let times = 0; times < 20_000; times += 1) {
    const bytes = Buffer.from(whole);
    for (let changes = 1 + chance.below(4); changes > 0; changes -= 1)
      bytes[chance.below(bytes.length)] = chance.below(256);
    const ticket = ticketOf(bytes);
    assert.ok(ticket === null || ticket === undefined || ticket.length <= bytes.length);
  }
});
