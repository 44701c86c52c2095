/** Hunts an address that counts as trusted, or as in a network of a rule, and is not (or the other way round). */
import assert from 'node:assert/strict';
import { BlockList, isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAddress } from './address.ts';
import { Networks, parseNetwork } from './networks.ts';

const v4 = fc.ipV4();
const v6 = fc.oneof(
  fc.ipV6(),
  fc.ipV4().map((address) => `::ffff:${address}`),
);

/** What Node says about one network; it compares IPv4 with IPv6 networks, which is not asked here. */
function holds(network: string, address: string): boolean {
  const plain = (text: string) => parseAddress(text)?.length === 1;
  const [base = '', prefix] = network.split('/');
  if (plain(base) !== plain(address)) return false;
  const reference = new BlockList();
  reference.addSubnet(base, Number(prefix), plain(base) ? 'ipv4' : 'ipv6');
  return reference.check(dotted(address), plain(address) ? 'ipv4' : 'ipv6');
}

/** A mapped address as the IPv4 address that it is. */
function dotted(address: string): string {
  const words = parseAddress(address) ?? assert.fail(address);
  if (words.length !== 1) return address;
  return [24, 16, 8, 0].map((shift) => (words[0] >>> shift) & 255).join('.');
}

/** The network of this size around an address. */
function networkAround(address: string, prefix: number): string {
  const words = parseAddress(address) ?? assert.fail(address);
  const bits = words.length * 32;
  const kept = Math.min(prefix, bits);
  const masked = words.map((word, i) => {
    const here = Math.max(0, Math.min(32, kept - 32 * i));
    return here === 0 ? 0 : (word & (0xffffffff << (32 - here))) >>> 0;
  });
  if (masked.length === 1) {
    const [word = 0] = masked;
    return `${[24, 16, 8, 0].map((shift) => (word >>> shift) & 255).join('.')}/${kept}`;
  }
  return `${masked.map((word) => `${(word >>> 16).toString(16)}:${(word & 0xffff).toString(16)}`).join(':')}/${kept}`;
}

test('what is an address is what Node takes for one', () => {
  const odd = fc.stringMatching(/^[0-9a-f:.]{0,20}$/);
  fc.assert(
    fc.property(fc.oneof(v4, v6, odd), (text) => {
      assert.equal(parseAddress(text) !== undefined, isIP(text) > 0, text);
    }),
    { numRuns: 2_000 },
  );
  for (const text of [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '256.1.1.1',
    '1::2::3',
    ':::',
    '1:2:3:4:5:6:7:8:9',
    '::1.2.3',
  ]) {
    assert.equal(parseAddress(text), undefined, text);
  }
});

test('an address is in a set exactly when it is in one of its networks', () => {
  const address = fc.oneof(v4, v6);
  const sized = fc.tuple(address, fc.nat(128)).map(([around, prefix]) => networkAround(around, prefix));
  fc.assert(
    fc.property(fc.array(sized, { maxLength: 6 }), fc.array(address), (networks, asked) => {
      const set = new Networks(networks);
      const insiders = networks.map((network) => network.slice(0, network.indexOf('/')));
      for (const one of [...asked, ...insiders]) {
        const expected = networks.some((network) => holds(network, one));
        assert.equal(set.has(one), expected, `${one} in ${networks.join()}`);
      }
    }),
  );
});

test('a mapped address is the IPv4 address that it stands for', () => {
  const set = new Networks(['10.0.0.0/8', '::ffff:192.168.0.0/112']);
  assert.equal(set.has('::ffff:10.1.2.3'), true);
  assert.equal(set.has('::ffff:a01:203'), true);
  assert.equal(set.has('192.168.77.1'), true);
  assert.equal(set.has('::10.1.2.3'), false);
  assert.equal(set.has('fe80::1%eth0'), false);
  assert.equal(new Networks(['fe80::/10']).has('fe80::1%eth0'), true);
});

test('everything, one address, and nothing', () => {
  assert.equal(new Networks(['0.0.0.0/0']).has('8.8.8.8'), true);
  assert.equal(new Networks(['0.0.0.0/0']).has('::1'), false);
  assert.equal(new Networks(['::1']).has('::1'), true);
  assert.equal(new Networks([]).has('::1'), false);
  assert.equal(new Networks(['0.0.0.0/0', '::/0']).has('unknown'), false);
});

test('what is no network is refused', () => {
  for (const text of [
    '10.0.0.0/33',
    '10.0.0.1/8',
    '::/129',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    'shop',
    '::ffff:1.2.3.4/90',
  ]) {
    assert.equal(parseNetwork(text), undefined, text);
  }
});
