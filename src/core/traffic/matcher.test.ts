/**
 * Hunts rules that match what they should not: a header said twice, a host that only ends alike, a path that only
 * begins alike, a country that nobody trusted said; and input that makes matching slow.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '../limits.ts';
import { cookieValues, queryValues } from './fields.ts';
import { compileMatch, type Geo, type RequestFacts } from './matcher.ts';
import { Networks } from './networks.ts';
import type { Match } from './rule.ts';
import { compilePattern } from './text-pattern.ts';

const geo: Geo = {
  header: 'cf-ipcountry',
  trust: new Networks(['127.0.0.0/8']),
  countryOf: (address) => (address === '5.5.5.5' ? 'FR' : null),
};

function request(some: Partial<RequestFacts> & { headers?: Record<string, string> } = {}): RequestFacts {
  const { headers = {}, ...rest } = some;
  return {
    host: 'shop.test',
    routePath: '/',
    methodName: 'GET',
    target: '/',
    address: '9.9.9.9',
    peerAddress: '127.0.0.1',
    cookies: '',
    field: (name) => headers[name],
    ...rest,
  };
}

const matches = (match: Match, some: Parameters<typeof request>[0]) =>
  compileMatch(match, geo)(request(some));
const header = (text: string): Match => ({ type: 'header', name: 'X-Beta', value: { type: 'exact', text } });

test('each kind of condition', () => {
  const glob = (text: string) => ({ type: 'glob', text }) as const;
  const cases: [Match, Parameters<typeof request>[0], boolean][] = [
    [{ type: 'host', host: 'Shop.test' }, {}, true],
    [{ type: 'host', host: '*.test' }, {}, true],
    [{ type: 'host', host: '*.shop.test' }, {}, false],
    [{ type: 'host', host: 'hop.test' }, {}, false],
    [{ type: 'path', path: { type: 'prefix', text: '/api/' } }, { routePath: '/api' }, true],
    [{ type: 'path', path: { type: 'prefix', text: '/api' } }, { routePath: '/api/x' }, true],
    [{ type: 'path', path: { type: 'prefix', text: '/api' } }, { routePath: '/apix' }, false],
    [{ type: 'path', path: { type: 'prefix', text: '/' } }, { routePath: '/x' }, true],
    [{ type: 'path', path: glob('/*/beta') }, { routePath: '/de/beta' }, true],
    [{ type: 'path', path: glob('/*/beta') }, { routePath: '/beta' }, false],
    [{ type: 'method', methods: ['GET', 'HEAD'] }, { methodName: 'HEAD' }, true],
    [{ type: 'method', methods: ['GET'] }, { methodName: 'get' }, false],
    [header('yes'), { headers: { 'x-beta': 'yes' } }, true],
    [header('*'), { headers: { 'x-beta': 'yes' } }, false],
    [{ type: 'header', name: 'X-Beta', value: null }, { headers: { 'x-beta': '' } }, true],
    [{ type: 'header', name: 'X-Beta', value: null }, {}, false],
    [{ type: 'cookie', name: 'b', value: glob('x*') }, { cookies: 'a=1; b="xy"' }, true],
    [{ type: 'cookie', name: 'b', value: glob('x*') }, { cookies: 'b=xy; b=xz' }, false],
    [{ type: 'query', name: 'v', value: glob('2') }, { target: '/?a&v=2' }, true],
    [{ type: 'query', name: 'v', value: glob('2') }, { target: '/?v=2&v=2' }, false],
    [{ type: 'network', networks: ['9.0.0.0/8'] }, {}, true],
    [{ type: 'network', networks: ['127.0.0.0/8'] }, {}, false],
    [{ type: 'country', countries: ['de'] }, { headers: { 'cf-ipcountry': 'DE' } }, true],
    [
      { type: 'country', countries: ['DE'] },
      { headers: { 'cf-ipcountry': 'DE' }, peerAddress: '9.9.9.9' },
      false,
    ],
    [{ type: 'country', countries: ['DE'] }, {}, false],
    [{ type: 'country', countries: ['DE', 'fr'] }, { address: '5.5.5.5' }, true],
    [{ type: 'country', countries: ['DE'] }, { address: '5.5.5.5' }, false],
    // The proxy that is trusted knows better than the file, and one that is not knows nothing.
    [
      { type: 'country', countries: ['FR'] },
      { address: '5.5.5.5', headers: { 'cf-ipcountry': 'DE' } },
      false,
    ],
    [
      { type: 'country', countries: ['FR'] },
      { address: '5.5.5.5', headers: { 'cf-ipcountry': 'DE' }, peerAddress: '9.9.9.9' },
      true,
    ],
    [
      { type: 'all', of: [header('yes'), { type: 'host', host: 'x' }] },
      { headers: { 'x-beta': 'yes' } },
      false,
    ],
    [
      { type: 'any', of: [header('yes'), { type: 'host', host: 'x' }] },
      { headers: { 'x-beta': 'yes' } },
      true,
    ],
    [{ type: 'not', match: header('yes') }, {}, true],
  ];
  for (const [match, some, expected] of cases) {
    assert.equal(matches(match, some), expected, JSON.stringify([match, some]));
  }
  const nobody = compileMatch({ type: 'country', countries: ['DE'] }, null);
  assert.equal(nobody(request({ headers: { 'cf-ipcountry': 'DE' } })), false);
});

test('a glob means what the regular expression with the same meaning does', () => {
  const text = fc.stringMatching(/^[ab/]{0,12}$/);
  fc.assert(
    fc.property(fc.stringMatching(/^[ab/*]{0,8}$/), text, (glob, value) => {
      const reference = new RegExp(`^${glob.replaceAll('*', '.*')}$`);
      assert.equal(
        compilePattern({ type: 'glob', text: glob })(value),
        reference.test(value),
        `${glob} ${value}`,
      );
    }),
    { numRuns: 2_000 },
  );
});

test('values of cookies and parameters, however they are written', () => {
  assert.deepEqual(cookieValues('a=1;b=2;  a="3";xa=4; a', 'a', 9), ['1', '3']);
  assert.deepEqual(cookieValues('a=1; a=2; a=3', 'a', 2), ['1', '2']);
  assert.deepEqual(cookieValues('', 'a', 2), []);
  assert.deepEqual(queryValues('/p?x+y=%61%20b+c&z', 'x y', 2), ['a b c']);
  assert.deepEqual(queryValues('/p?a=%ff&a=?=', 'a', 2), ['%ff', '?=']);
  assert.deepEqual(queryValues('/p?a', 'a', 2), ['']);
  assert.deepEqual(queryValues('/a=1', 'a', 2), []);
});

test('a name in a query is the one that decoding gives, however it is written', () => {
  const decoded = (text: string) => {
    try {
      return decodeURIComponent(text.replaceAll('+', ' '));
    } catch {
      return text;
    }
  };
  const part = fc.constantFrom(
    'a',
    '%61',
    '%',
    '%2',
    '%ff',
    '%25',
    '+',
    ' ',
    '%20',
    '%C3%a9',
    'é',
    '%e2%82%AC',
    '=',
  );
  const text = fc.array(part, { maxLength: 4 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, text, fc.constantFrom('same', 'raw', 'other'), (written, other, which) => {
      const [inQuery = ''] = written.split('=');
      const name = which === 'other' ? decoded(other) : which === 'raw' ? inQuery : decoded(inQuery);
      const expected = decoded(inQuery) === name ? 1 : 0;
      assert.equal(queryValues(`/?${written}`, name, 2).length, expected, `${written} for ${name}`);
    }),
    { numRuns: 5_000 },
  );
});

test('a query that is as long as it may be costs as much as it is long, whatever is in it', () => {
  const { targetBytesMax } = limits.gateway;
  const timeOf = (part: string) => {
    const target = `/?${part.repeat(targetBytesMax / part.length)}`;
    const beganMs = performance.now();
    for (let turn = 0; turn < 5; turn += 1) queryValues(target, 'name', 2);
    return performance.now() - beganMs;
  };
  // One that decodes each parameter, or looks through the rest for each, takes a hundred times as long as this.
  for (const part of ['&', '%&', '%ff&', 'nam%&', '&%=', 'a&'])
    assert.ok(Math.min(timeOf(part), timeOf(part), timeOf(part)) < 40, part);
});

test('no cookie field, no query and no pattern makes it throw', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (field, name, pattern) => {
      assert.ok(Array.isArray(cookieValues(field, name, 3)));
      assert.ok(Array.isArray(queryValues(field, name, 3)));
      assert.equal(typeof compilePattern({ type: 'glob', text: pattern })(field), 'boolean');
    }),
  );
});
