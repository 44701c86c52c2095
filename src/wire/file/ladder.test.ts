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
      { weight: 5, forMs: 120_000, evidence: false, approve: false },
      { weight: 5, forMs: 60_000, evidence: false, approve: false },
      { weight: 100, forMs: 3_600_000, evidence: false, approve: true },
    ],
  });
});

test('without steps it is a ladder of its own, each step until there is evidence', () => {
  for (const strategy of ['canary', '{ type: canary }']) {
    const result = parse(strategy);
    assert.ok(result.ok);
    const { strategy: choice } = result.project.services['web'] ?? {};
    assert.ok(choice?.type === 'canary');
    const stage = { forMs: 0, evidence: true, approve: false };
    assert.deepEqual(
      choice.stages,
      [1, 10, 50].map((weight) => ({ weight, ...stage })),
    );
  }
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
  assert.match(problems(`{ type: canary, ${steps} }`, byHash).join(), /would never be evidence/);
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
      '6:38: services.web.strategy.steps: expected steps of which the first one has a weight, got a list',
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
