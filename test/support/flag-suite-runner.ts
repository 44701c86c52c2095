/** Every scenario of a suite by one way to ask: those that are left out by name must not hold. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FaceName, FlagFace } from './flag-faces.ts';
import { play } from './flag-steps.ts';
import { LEFT_OUT, type LeftOut } from './flag-suites-left-out.ts';
import type { Suite } from './flag-suites.ts';

type SuiteScenario = Suite['scenarios'][number];

export function testSuite({ name, scenarios }: Suite, face: FaceName, faceOf: () => FlagFace): void {
  const listed = LEFT_OUT.filter(({ suite, faces }) => suite === name && faces.includes(face));
  for (const scenario of scenarios) {
    const leftOut = listed.find((one) => names(one, scenario) && !one.holds?.includes(scenario.name));
    test(`${scenario.file}: ${scenario.name}`, async () => {
      const played = play(scenario, faceOf());
      if (!leftOut) return played;
      await assert.rejects(played, Error, `it holds, though it is left out: ${leftOut.why}`);
    });
  }
  test('nothing is left out that is not there', () => {
    assert.deepEqual(
      listed.flatMap((one) => strangers(one, scenarios)),
      [],
    );
  });
}

const rowOf = ({ name, outline }: SuiteScenario) => name.slice(outline.length).replace(/^ \(|\)$/g, '');

function names({ file, scenarios, rows }: LeftOut, scenario: SuiteScenario): boolean {
  if (file !== scenario.file) return false;
  const isNamed =
    'tag' in scenarios ? scenario.tags.includes(scenarios.tag) : scenarios.includes(scenario.outline);
  return isNamed && (rows === undefined || rows.includes(rowOf(scenario)));
}

/** What it names and nobody has. */
function strangers(one: LeftOut, all: Suite['scenarios']): readonly string[] {
  const own = all.filter((scenario) => names(one, scenario));
  const named = 'tag' in one.scenarios ? [] : one.scenarios;
  return [
    ...(own.length > 0 ? [] : [`${one.file}: ${one.why}`]),
    ...named.filter((name) => !own.some(({ outline }) => outline === name)),
    ...(one.rows ?? []).filter((row) => !own.some((scenario) => rowOf(scenario) === row)),
    ...(one.holds ?? []).filter((name) => !own.some((scenario) => scenario.name === name)),
  ];
}
