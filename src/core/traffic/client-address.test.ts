/** Hunts a client that says who it is and is believed, and one that is taken for the proxy in front. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientAddress, plainAddress } from './client-address.ts';
import { Networks } from './networks.ts';

const trust = new Networks(['10.0.0.0/8', '::1/128']);

test('the nearest address that is no trusted proxy', () => {
  const cases: [peer: string, said: string, client: string][] = [
    ['203.0.113.9', '', '203.0.113.9'],
    ['203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['10.0.0.1', '192.0.2.66, 198.51.100.1', '198.51.100.1'],
    ['10.0.0.1', '198.51.100.1, 10.0.0.2', '198.51.100.1'],
    ['10.0.0.1', '10.0.0.3,10.0.0.2', '10.0.0.3'],
    ['10.0.0.1', '', '10.0.0.1'],
    ['::1', '2001:db8::1', '2001:db8::1'],
    ['10.0.0.1', '[2001:db8::1]:443', '2001:db8::1'],
    ['10.0.0.1', '198.51.100.1:1234', '198.51.100.1'],
    ['10.0.0.1', '198.51.100.1, unknown', '10.0.0.1'],
    ['10.0.0.1', '198.51.100.1, <script>, 10.0.0.2', '10.0.0.2'],
    ['10.0.0.1', ',', '10.0.0.1'],
  ];
  for (const [peer, said, client] of cases) assert.equal(clientAddress(peer, said, trust), client, said);
});

test('an IPv4 client of a socket for both is written as IPv4', () => {
  assert.equal(plainAddress('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(plainAddress('2001:db8::1'), '2001:db8::1');
  assert.equal(plainAddress('192.0.2.1'), '192.0.2.1');
});
