/** Hunts flags of a release that are written wrong and pass, with places that are not theirs, or that mean something else. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StrategyChoice } from '../../core/project.ts';
import { parseProjectFile } from './parse.ts';
import { formatProblem } from './problem.ts';

const parse = (strategy: string, kind = 'traffic: { listen: 80 }') =>
  parseProjectFile(
    `project: p
services:
  web:
    run: node x
    ${kind}
    strategy: ${strategy}`,
    'segue.yaml',
    null,
  );

function strategyIn(text: string): StrategyChoice {
  const result = parse(text);
  assert.ok(result.ok, result.ok ? '' : result.problems.map(formatProblem).join('\n'));
  const { strategy } = result.project.services['web'] ?? {};
  assert.ok(strategy);
  return strategy;
}

const NO_GATES = { forMs: 0, evidence: false, approve: false };

describe('flags of a release', () => {
  it('are steps of a canary, as far as its weight unless they say less', () => {
    const choice = strategyIn(
      '{ type: canary, steps: [{ weight: 10, until: evidence }, { flag: checkout-v2, until: evidence }, { weight: 50, flag: theme, to: dark, share: 20%, for: 1m }] }',
    );
    assert.ok(choice.type === 'canary');
    assert.deepEqual(
      choice.stages.map(({ weight, flag }) => [weight, flag]),
      [
        [10, undefined],
        [10, { flag: 'checkout-v2', variant: null, percent: null }],
        [50, { flag: 'theme', variant: 'dark', percent: 20 }],
      ],
    );
  });

  it('may come after full traffic without anything to wait for, with every strategy', () => {
    strategyIn('{ type: canary, steps: [{ weight: 10, for: 1m }, { weight: 100, flag: checkout-v2 }] }');
    const flags = '[checkout-v2, { flag: theme, to: dark, share: 50%, for: 10m, approve: true }]';
    const raised = [
      { flag: 'checkout-v2', variant: null, percent: null, ...NO_GATES },
      { flag: 'theme', variant: 'dark', percent: 50, forMs: 600_000, evidence: false, approve: true },
    ];
    for (const type of ['rolling', 'blue-green', 'canary', 'handover', 'ab, rules: [{}], for: 1h'])
      assert.deepEqual(strategyIn(`{ type: ${type}, flags: ${flags} }`).flags, raised, type);
    assert.equal(Object.hasOwn(strategyIn('{ type: rolling }'), 'flags'), false);
  });

  const wrong = (strategy: string, problem: RegExp, kind?: string) => {
    const result = parse(strategy, kind);
    const problems = result.ok ? [] : result.problems.map(formatProblem);
    assert.equal(problems.length, 1, problems.join('\n'));
    assert.match(problems[0] ?? '', problem);
  };

  it('are refused with their places', () => {
    wrong(
      '{ type: canary, steps: [{ weight: 10, flag: f, share: 11%, for: 1m }] }',
      /^segue\.yaml:6:69: services\.web\.strategy\.steps\[0\]\.share: 11% of all users, but 10% of the requests go to the version with its code; expected at most 10%$/,
    );
    wrong(
      '{ type: canary, steps: [{ shadow: 10, flag: f, for: 1m }, { weight: 1, for: 1m }] }',
      /^segue\.yaml:6:59: .*steps\[0\]\.flag: nobody meets the new version yet/,
    );
    wrong(
      '{ type: canary, steps: [{ weight: 10, for: 1m }, { flag: f }] }',
      /steps\[1\]: there is nothing to wait for/,
    );
    wrong(
      '{ type: canary, steps: [{ weight: 10, to: on, for: 1m }] }',
      /steps\[0\]: .*flag, too: to and share/,
    );
    wrong(
      '{ type: canary, steps: [{ weight: 10, flag: "../x", for: 1m }] }',
      /steps\[0\]\.flag: .*the name of a flag/,
    );
    wrong('{ type: rolling, flags: [{ to: on }] }', /strategy\.flags\[0\]/);
    wrong(
      '{ type: ab, rules: [{}], for: 1h, end: stop, flags: [f] }',
      /strategy\.flags: the new version ends; expected no flags, or end: promote/,
    );
    wrong('{ type: rolling, flags: [f] }', /strategy\.flags: old workers are at work/, 'kind: worker');
  });
});
