/** Hunts a ladder that goes down, past everything or nowhere, and passes for valid; or one that means something else. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseProjectFile } from './parse.ts';
import { formatProblem } from './problem.ts';

const parse = (strategy: string, traffic = '{ listen: 80 }') =>
  parseProjectFile(
    `project: p
services:
  web:
    run: node x
    traffic: ${traffic}
    strategy: ${strategy}`,
    'segue.yaml',
    null,
  );

test('a step without a weight keeps the one before; the last one may be everything', () => {
  const steps = '[{ weight: 5%, for: 2m }, { for: 1m }, { weight: 100, for: 1h, approve: true }]';
  const result = parse(`{ type: canary, steps: ${steps}, stable: shrink, baseline: true, bake: 0 }`);
  assert.ok(result.ok);
  assert.deepEqual(result.project.services['web']?.strategy, {
    ...{ type: 'canary', stable: 'shrink', baseline: true, bakeMs: 0 },
    stages: [
      { weight: 5, shadow: null, forMs: 120_000, evidence: false, approve: false },
      { weight: 5, shadow: null, forMs: 60_000, evidence: false, approve: false },
      { weight: 100, shadow: null, forMs: 3_600_000, evidence: false, approve: true },
    ],
  });
});

test('without steps it is a ladder of its own, each step until there is evidence', () => {
  for (const strategy of ['canary', '{ type: canary }']) {
    const result = parse(strategy);
    assert.ok(result.ok);
    const { strategy: choice } = result.project.services['web'] ?? {};
    assert.ok(choice?.type === 'canary');
    const stage = { shadow: null, forMs: 0, evidence: true, approve: false };
    assert.deepEqual(
      choice.stages,
      [1, 10, 50].map((weight) => ({ weight, ...stage })),
    );
  }
});

test('copies come before any weight, last until the first one, and are of harmless requests unless it says so', () => {
  const all = '{ percent: 5, methods: [GET, POST], compare: body }';
  const steps = `[{ shadow: 10%, for: 1m }, { approve: true }, { shadow: ${all}, for: 1m }, { weight: 5, for: 1m }, { for: 1m }]`;
  const result = parse(`{ type: canary, steps: ${steps} }`);
  assert.ok(result.ok);
  const { strategy } = result.project.services['web'] ?? {};
  assert.ok(strategy?.type === 'canary');
  const few = { percent: 10, methods: ['GET', 'HEAD'], bodies: false };
  const more = { percent: 5, methods: ['GET', 'POST'], bodies: true };
  assert.deepEqual(
    strategy.stages.map(({ weight, shadow }) => [weight, shadow]),
    [...[few, few, more].map((shadow) => [0, shadow]), [5, null], [5, null]],
  );
  const grpc = parse(
    '{ type: canary, steps: [{ shadow: 10%, for: 1m }] }\n    traffic: { listen: 80, protocol: h2c }',
  );
  assert.equal(grpc.ok, false);
});

test('evidence needs a judge, and somebody to compare with', () => {
  const problems = (strategy: string, traffic?: string) => {
    const result = parse(strategy, traffic);
    return result.ok ? [] : result.problems.map(({ message }) => message);
  };
  const steps = 'steps: [{ weight: 5, until: evidence }]';
  assert.deepEqual(problems(`{ type: canary, ${steps} }`), []);
  assert.match(problems(`{ type: canary, ${steps} }\n    judge: off`).join(), /judge is off/);
  const byHash = '{ listen: 80, sticky: { hash: { header: x-user } } }';
  assert.deepEqual(problems(`{ type: canary, ${steps} }`, byHash), []);
  const ceiling = `{ type: canary, ${steps} }\n    judge: { latency: { p99: 300ms } }`;
  assert.match(
    problems(ceiling, byHash).join(),
    /latencies decide nothing where clients are sticky by a hash/,
  );
  const whole = 'steps: [{ weight: 5, for: 1m }, { weight: 100, until: evidence }]';
  assert.match(problems(`{ type: canary, ${whole} }`).join(), /nobody to compare with/);
});

describe('a ladder that', () => {
  const share = 'expected a whole share from 1% to 100%, got';
  const cases: readonly (readonly [what: string, strategy: string, problem: string])[] = [
    [
      'goes down',
      'steps: [{ weight: 20, for: 1m }, { weight: 5, for: 1m }]',
      '6:74: services.web.strategy.steps[1].weight: 5% comes after 20%; expected no less than before',
    ],
    [
      'goes past everything',
      'steps: [{ weight: 120, for: 1m }]',
      `6:49: services.web.strategy.steps[0].weight: ${share} 120 (a number)`,
    ],
    [
      'has a weight that the gateway cannot deal out',
      'steps: [{ weight: 0.5%, for: 1m }]',
      `6:49: services.web.strategy.steps[0].weight: ${share} "0.5%"`,
    ],
    [
      'begins without a weight',
      'steps: [{ for: 1m }]',
      '6:38: services.web.strategy.steps: expected steps of which the first one has a weight, or a shadow, got a list',
    ],
    [
      'copies for a version that has users',
      'steps: [{ weight: 5, for: 1m }, { shadow: 5, for: 1m }]',
      '6:73: services.web.strategy.steps[1].shadow: the new version has users by then; expected copies before any weight',
    ],
    [
      'copies nothing',
      'steps: [{ shadow: 0, for: 1m }]',
      `6:49: services.web.strategy.steps[0].shadow: expected a whole share from 1% to 100%, got 0 (a number)`,
    ],
    [
      'has nothing to wait for',
      'steps: [{ weight: 5 }]',
      '6:39: services.web.strategy.steps[0]: there is nothing to wait for; expected until, for or approve',
    ],
    [
      'goes on when all requests have moved',
      'steps: [{ weight: 100, for: 1m }, { weight: 100 }]',
      '6:65: services.web.strategy.steps[1]: all requests have moved by then; expected something to wait for, or no such step',
    ],
    [
      'has no step for its baseline',
      'baseline: true, steps: [{ weight: 50, for: 1m }]',
      '6:41: services.web.strategy.baseline: a baseline runs while the new version has less than 50%, and no step has less',
    ],
  ];
  for (const [what, keys, problem] of cases)
    test(what, () => {
      const result = parse(`{ type: canary, ${keys} }`);
      assert.deepEqual(result.ok ? [] : result.problems.map(formatProblem), [`segue.yaml:${problem}`]);
    });
});
