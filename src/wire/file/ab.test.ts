/** Hunts rules of an A/B test that can never decide anything, or mean somebody else, and pass for valid. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseProjectFile } from './parse.ts';
import { formatProblem } from './problem.ts';

const parse = (strategy: string, traffic = 'sticky: {}') =>
  parseProjectFile(
    `project: p
services:
  web:
    run: node x
    instances: 3
    traffic: { listen: 80, ${traffic} }
    strategy: ${strategy}`,
    'segue.yaml',
    null,
  );

test('rules have names, everybody is a rule, and what ends it is said', () => {
  const rules = '[{ name: beta, when: { header: { X-Beta: yes } } }, { share: 5% }]';
  const result = parse(`{ type: ab, rules: ${rules}, for: 14d, approve: true, end: stop, instances: 2 }`);
  assert.ok(result.ok);
  assert.deepEqual(result.project.services['web']?.strategy, {
    type: 'ab',
    rules: [
      {
        name: 'beta',
        match: { type: 'header', name: 'X-Beta', value: { type: 'exact', text: 'yes' } },
        percent: 100,
      },
      { name: 'rule-2', match: { type: 'all', of: [] }, percent: 5 },
    ],
    gates: { forMs: 14 * 86_400_000, evidence: false, approve: true },
    end: 'stop',
    instances: 2,
    bakeMs: 300_000,
  });
});

describe('an A/B test that', () => {
  const never = 'no request can match all of this; expected what one request can have';
  const at = 'services.web.strategy';
  const cases: readonly (readonly [what: string, keys: string, problem: string, traffic?: string])[] = [
    [
      'asks one request for two hosts',
      'for: 1h, rules: [{ when: { host: a.test, any: [{ host: b.test }] } }]',
      `7:52: ${at}.rules[0].when: ${never}`,
    ],
    [
      'takes back what it asks for',
      'for: 1h, rules: [{ when: { header: { X-A: 1 }, not: { header: { x-a: "*" } } } }]',
      `7:52: ${at}.rules[0].when: ${never}`,
    ],
    [
      'is about a host that does not come here',
      'for: 1h, rules: [{ when: { host: b.test } }]',
      `7:52: ${at}.rules[0].when: no request that comes to this service matches; expected a host and a path of its routes`,
      'routes: [{ host: a.test }]',
    ],
    [
      'has a rule behind one for everybody',
      'for: 1h, rules: [{ share: 5% }, { when: { cookie: { beta: 1 } } }]',
      `7:67: ${at}.rules[1].when: whatever it is about is decided by the rules before it; expected it before them`,
    ],
    [
      'has a rule within one before it',
      'for: 1h, rules: [{ when: { path: /api } }, { when: { path: /api/v1, query: { a: 1 } } }]',
      `7:78: ${at}.rules[1].when: whatever it is about is decided by the rules before it; expected it before them`,
    ],
    [
      'shows nobody anything',
      'for: 1h, rules: [{ share: 0% }]',
      `7:53: ${at}.rules[0].share: expected a whole share from 1% to 100%, got "0%"`,
    ],
    [
      'moves one user to and fro',
      'for: 1h, rules: [{ share: 50% }]',
      `7:53: ${at}.rules[0].share: 50% of requests, so that one user would meet both versions by turns; expected traffic.sticky, or 100%`,
      'hold: 1s',
    ],
    ['has no end', 'rules: [{ share: 5% }]', `7:15: ${at}: nothing ends it; expected until, for or approve`],
    ['has no rule', 'for: 1h, rules: []', `7:43: ${at}.rules: expected a list of rules such as`],
    [
      'has two rules of one name',
      'for: 1h, rules: [{ name: a, when: { path: /a } }, { name: a, when: { path: /b } }]',
      `7:85: ${at}.rules[1].name: another rule is called a, too`,
    ],
    [
      'has more instances than it will need',
      'for: 1h, instances: 4, rules: [{ share: 5% }]',
      `7:47: ${at}.instances: 4 are more than the 3 that serve everything; expected no more`,
    ],
    [
      'asks for a country that nobody says',
      'for: 1h, rules: [{ when: { country: DE } }]',
      `7:15: ${at}: a rule asks for the country, but nobody says it; expected gateway.geo`,
    ],
  ];
  for (const [what, keys, problem, traffic] of cases)
    test(what, () => {
      const result = parse(`{ type: ab, ${keys} }`, traffic);
      const [found = '', ...more] = result.ok ? [] : result.problems.map(formatProblem);
      assert.equal(found.slice(0, `segue.yaml:${problem}`.length), `segue.yaml:${problem}`);
      assert.deepEqual(more, []);
    });
});
