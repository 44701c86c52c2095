/** Hunts requests that reach the wrong service: prefixes inside a segment, hosts by letter case or port, order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Route } from '../project.ts';
import { hostOf, pathOf, RouteTable } from './match.ts';

const table = new RouteTable<string>([
  [{ host: 'shop.test', path: '/' }, 'shop'],
  [{ host: 'shop.test', path: '/api/' }, 'api'],
  [{ host: 'shop.test', path: '/api/v2' }, 'api-v2'],
  [{ host: '*.shop.test', path: '/' }, 'tenant'],
  [{ host: '*.eu.shop.test', path: '/' }, 'eu'],
  [{ host: 'part.test', path: '/only' }, 'part'],
  [{ host: null, path: '/health' }, 'health'],
]);

const cases: readonly (readonly [host: string, path: string, found: string | undefined])[] = [
  ['shop.test', '/', 'shop'],
  ['shop.test', '/api', 'api'],
  ['shop.test', '/api/', 'api'],
  ['shop.test', '/apix', 'shop'],
  ['shop.test', '/api/v2/x', 'api-v2'],
  ['shop.test', '/api/v22', 'api'],
  ['shop.test', '*', 'shop'],
  ['a.shop.test', '/', 'tenant'],
  ['a.b.shop.test', '/', 'tenant'],
  ['a.eu.shop.test', '/', 'eu'],
  ['eu.shop.test', '/', 'tenant'],
  ['xshop.test', '/', undefined],
  ['part.test', '/only/x', 'part'],
  ['part.test', '/health', 'health'],
  ['other.test', '/health/x', 'health'],
  ['other.test', '/', undefined],
  ['', '/health', 'health'],
];

for (const [host, path, found] of cases) {
  test(`${host}${path} -> ${found ?? 'nobody'}`, () => assert.equal(table.find(host, path), found));
}

test('the host of a field: without port, letter case and final dot', () => {
  assert.deepEqual(['Shop.Test:8080', 'shop.test.', '[::1]:80', '[::1]', ''].map(hostOf), [
    'shop.test',
    'shop.test',
    '[::1]',
    '[::1]',
    '',
  ]);
  assert.equal(pathOf('/a?b=/c?'), '/a');
});

test('of any set of prefixes the longest that fits is found', () => {
  const segment = fc.constantFrom('a', 'b', 'ab');
  const path = fc.array(segment, { maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
  fc.assert(
    fc.property(fc.array(path, { minLength: 1, maxLength: 8 }), path, (prefixes, asked) => {
      const routes = prefixes.map((prefix): [Route, string] => [{ host: null, path: prefix }, prefix]);
      const fitting = prefixes.filter((p) => p === '/' || asked === p || asked.startsWith(`${p}/`));
      const longest = fitting.toSorted((a, b) => b.length - a.length)[0];
      assert.equal(new RouteTable(routes).find('x', asked), longest);
    }),
  );
});

test('the first of two equal routes counts', () => {
  const route = { host: null, path: '/' };
  assert.equal(
    new RouteTable([
      [route, 1],
      [route, 2],
    ]).find('x', '/'),
    1,
  );
});
