/**
 * Hunts answers that flagd itself would not give: every scenario of its suites, and of OpenFeature's own, told of our
 * evaluator. What does not hold is in a list with its reason, and has to be (test/support/flag-suites-left-out.ts).
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { FlagSet } from '../../src/core/flags/flag-set.ts';
import { evaluatorFace } from '../support/flag-faces.ts';
import { testSuite } from '../support/flag-suite-runner.ts';
import { readSuite, SUITES, suitesMissing } from '../support/flag-suites.ts';

suite('the suites of flagd and OpenFeature, by the evaluator', { skip: suitesMissing }, () => {
  if (suitesMissing !== false) return;
  for (const name of SUITES) {
    const read = readSuite(name);
    const definitions = Object.entries(read.parsed.flags).map(([key, { definition }]) => [key, definition]);
    const face = evaluatorFace(new FlagSet(Object.fromEntries(definitions)));
    suite(name, () => {
      test('all of them were found', () => assert.ok(read.scenarios.length > 40, `${read.scenarios.length}`));
      testSuite(read, 'evaluator', () => face);
    });
  }
});
