/**
 * Hunts a rule that is refused although some request would meet it, and one that is let through although none can:
 * whatever is said of rules is held against requests.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isCovered, neverMatches } from './match-logic.ts';
import { compileMatch, type RequestFacts } from './matcher.ts';
import { Networks } from './networks.ts';
import type { Match } from './rule.ts';

const word = fc.constantFrom('a', 'ab', 'abc', 'b');
const value = fc.oneof(
  word.map((text) => ({ type: 'exact', text }) as const),
  fc.constantFrom('*', 'a*', '*c', 'a*c', 'b*', 'a').map((text) => ({ type: 'glob', text }) as const),
);
const path = fc.oneof(
  fc.constantFrom('/', '/a', '/a/', '/a/b', '/ab').map((text) => ({ type: 'prefix', text }) as const),
  fc.constantFrom('/a/*', '/a*', '/*/b', '*').map((text) => ({ type: 'glob', text }) as const),
);
const some = <T>(...items: T[]) => fc.uniqueArray(fc.constantFrom(...items), { minLength: 1 });
const networks = some('10.0.0.0/8', '10.1.0.0/16', '11.0.0.0/8', '10.1.2.3');

const atom: fc.Arbitrary<Match> = fc.oneof(
  fc.constantFrom('a.test', 'b.a.test', '*.test', '*.a.test', '*.b.test').map((host): Match => ({
    type: 'host',
    host,
  })),
  path.map((each): Match => ({ type: 'path', path: each })),
  some('GET', 'POST').map((methods): Match => ({ type: 'method', methods })),
  some('DE', 'FR').map((countries): Match => ({ type: 'country', countries })),
  networks.map((each): Match => ({ type: 'network', networks: each })),
  fc
    .record({ name: fc.constantFrom('X-A', 'x-a'), value: fc.option(value) })
    .map((each): Match => ({ type: 'header', ...each })),
  value.map((each): Match => ({ type: 'cookie', name: 'a', value: each })),
);
const { match } = fc.letrec<{ match: Match }>((tie) => ({
  match: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    atom,
    fc
      .record({
        type: fc.constantFrom<'all' | 'any'>('all', 'any'),
        of: fc.array(tie('match'), { maxLength: 3 }),
      })
      .map((each): Match => each),
    tie('match').map((each): Match => ({ type: 'not', match: each })),
  ),
}));

const request = fc
  .record({
    host: fc.constantFrom('a.test', 'b.a.test', 'c.b.test', 'x.test', 'other'),
    routePath: fc.constantFrom('/', '/a', '/a/', '/a/b', '/ab', '/abc', '/x/b', '/a/x'),
    methodName: fc.constantFrom('GET', 'POST', 'PUT'),
    country: fc.constantFrom(undefined, 'DE', 'FR', 'US'),
    address: fc.constantFrom('10.1.2.3', '10.1.9.9', '10.9.9.9', '11.0.0.1', '12.0.0.1'),
    header: fc.option(word, { nil: undefined }),
    cookies: fc.constantFrom('', 'a=a', 'a=ab', 'a=abc', 'a=b', 'a=a; a=b'),
  })
  .map(({ country, header, ...rest }): RequestFacts => ({
    ...{ ...rest, target: rest.routePath, peerAddress: '127.0.0.1' },
    field: (name) => (name === 'x-a' ? header : name === 'country' ? country : undefined),
  }));

const geo = { header: 'country', trust: new Networks(['127.0.0.1']), countryOf: () => null };
const meets = (which: Match, what: RequestFacts) => compileMatch(which, geo)(what);

test('no request meets a rule of which it is said that none does', () => {
  let said = 0;
  fc.assert(
    fc.property(
      fc.array(match, { maxLength: 3 }),
      fc.array(request, { minLength: 20, maxLength: 20 }),
      (all, requests) => {
        if (!neverMatches(all)) return;
        said += 1;
        for (const each of requests) assert.ok(!all.every((one) => meets(one, each)));
      },
    ),
    { numRuns: 3_000 },
  );
  assert.ok(said > 100, `it was said of ${said}`);
});

test('no request meets a rule past those of which it is said that they take everything', () => {
  let said = 0;
  fc.assert(
    fc.property(
      match,
      fc.array(match, { maxLength: 3 }),
      fc.array(request, { minLength: 20, maxLength: 20 }),
      (later, earlier, requests) => {
        if (!isCovered(later, earlier)) return;
        said += 1;
        for (const each of requests)
          assert.ok(!meets(later, each) || earlier.some((one) => meets(one, each)));
      },
    ),
    { numRuns: 3_000 },
  );
  assert.ok(said > 100, `it was said of ${said}`);
});

const host = (name: string): Match => ({ type: 'host', host: name });
const header = (text: string): Match => ({ type: 'header', name: 'x', value: { type: 'exact', text } });
const all = (...of: Match[]): Match => ({ type: 'all', of });
const any = (...of: Match[]): Match => ({ type: 'any', of });
const not = (one: Match): Match => ({ type: 'not', match: one });
const below = (text: string): Match => ({ type: 'path', path: { type: 'prefix', text } });

test('what people write by mistake is found', () => {
  for (const none of [
    all(host('a.test'), host('b.test')),
    all(host('a.test'), any(host('b.test'), host('*.a.test'))),
    all(header('1'), not(header('1'))),
    all(header('1'), not({ type: 'header', name: 'X', value: null })),
    all(below('/api'), below('/shop')),
    all(below('/api/v1'), not(below('/api'))),
    any(),
  ])
    assert.ok(neverMatches([none]), JSON.stringify(none));
  assert.ok(isCovered(all(header('1'), host('a.test')), [host('*.test')]));
  assert.ok(isCovered(any(header('1'), header('2')), [header('2'), header('1')]));
  assert.ok(isCovered(below('/api/v1'), [all()]));
  assert.ok(!isCovered(host('*.test'), [host('a.test')]));
});

test('rules too large to look at are let through, and soon', () => {
  const many = (name: string) =>
    any(
      ...Array.from({ length: 100 }, (_, i): Match => ({
        type: 'query',
        name,
        value: { type: 'exact', text: `${i}` },
      })),
    );
  const wide = all(many('a'), many('b'), many('c'), many('d'));
  assert.ok(!neverMatches([wide]));
  assert.ok(!isCovered(wide, [wide]));
});
