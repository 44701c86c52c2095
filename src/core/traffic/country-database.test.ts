/**
 * Hunts a country that the file does not say, an address read as another one (mapped into IPv6, of the other length),
 * a torn file that is believed, and bytes from outside that make it throw or never end.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { map, mmdb, text } from '../../../test/support/mmdb.ts';
import { CountryDatabase } from './country-database.ts';

const fixture = (name: string) =>
  readFileSync(new URL(`../../../test/fixtures/maxmind/${name}`, import.meta.url));
const TEST_FILE = fixture('country-test.mmdb');
const EXPECTED: Readonly<Record<string, string | null>> = JSON.parse(
  fixture('country-test.json').toString('utf8'),
);

const opened = (bytes: Uint8Array) => CountryDatabase.openWhole(bytes);

test('every network of the test database is in the country that its source says', () => {
  const database = opened(TEST_FILE);
  const networks = Object.entries(EXPECTED);
  assert.ok(networks.length > 300);
  for (const [network, country] of networks) {
    const [address = ''] = network.split('/');
    assert.equal(database.countryOf(address), country, network);
  }
  assert.ok(database.madeAtMs > Date.UTC(2015, 0));
});

test('an IPv4 address is the same one however it is written, and what is not there has no country', () => {
  const database = opened(TEST_FILE);
  for (const address of ['81.2.69.142', '::ffff:81.2.69.142', '::ffff:5102:458e', '::81.2.69.142'])
    assert.equal(database.countryOf(address), 'GB', address);
  for (const address of [
    '10.1.2.3',
    '192.168.0.1',
    '127.0.0.1',
    '::1',
    'fd00::1',
    'fe80::1%eth0',
    '',
    'x',
    '1.2.3',
  ])
    assert.equal(database.countryOf(address), null, address);
});

test('all sizes of records, and files that know of IPv4 alone', () => {
  const countries = { '1.0.0.0/8': 'DE', '2.2.2.2/32': 'FR', '128.0.0.0/1': 'JP' };
  for (const recordBits of [24, 28, 32] as const)
    for (const version of [4, 6] as const) {
      const database = opened(mmdb(countries, { recordBits, version }));
      const asked = ['1.2.3.4', '2.2.2.2', '2.2.2.3', '255.255.255.255', '2001:db8::1', '::ffff:1.2.3.4'];
      assert.deepEqual(
        asked.map((address) => database.countryOf(address)),
        ['DE', 'FR', null, 'JP', null, 'DE'],
      );
    }
});

test('a country as other publishers say it', () => {
  const of = (record: (country: string) => Buffer) =>
    opened(mmdb({ '1.0.0.0/8': 'DE' }, { record })).countryOf('1.1.1.1');
  assert.equal(
    of((country) => map({ country: text(country) })),
    'DE',
  );
  assert.equal(
    of(() => map({ country: text('Germany'), country_code: text('de') })),
    'DE',
  );
  assert.equal(
    of(() => map({ continent: map({ code: text('EU') }), country: map({ iso_code: text('AT') }) })),
    'AT',
  );
});

test('what is torn, damaged or about something else is refused', () => {
  const whole = mmdb({ '1.0.0.0/8': 'DE', '2001:db8::/32': 'FR' });
  const refused = (bytes: Uint8Array, why: RegExp) => assert.throws(() => opened(bytes), why);
  refused(Buffer.alloc(0), /no file in MaxMind's format/);
  refused(whole.subarray(0, whole.length / 2), /no file in MaxMind's format/);
  refused(whole.subarray(100), /shorter than it says/);
  refused(Buffer.concat([Buffer.alloc(6, 0xff), whole.subarray(6)]), /leads out of the file/);
  refused(
    mmdb({ '1.0.0.0/8': 'DE' }, { record: () => map({ autonomous_system: text('AS1') }) }),
    /names no countries/,
  );
  for (let length = 0; length < TEST_FILE.length; length += 97)
    assert.throws(() => opened(TEST_FILE.subarray(0, length)), Error);
});

test('bytes that were changed on the way are refused, or answer as any file does', () => {
  const changes = fc.array(fc.record({ at: fc.nat(TEST_FILE.length - 1), byte: fc.nat(255) }), {
    maxLength: 20,
  });
  const address = fc.oneof(fc.ipV4(), fc.ipV6());
  fc.assert(
    fc.property(changes, fc.array(address, { maxLength: 10 }), (changed, addresses) => {
      const bytes = Buffer.from(TEST_FILE);
      for (const { at, byte } of changed) bytes[at] = byte;
      let database: CountryDatabase;
      try {
        database = opened(bytes);
      } catch {
        return;
      }
      for (const each of addresses) assert.match(database.countryOf(each) ?? 'XX', /^[A-Z]{2}$/);
    }),
    { numRuns: 500 },
  );
});
