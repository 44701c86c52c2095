/**
 * Hunts a flag that more people meet than versions with its code serve (F1): in a rule that gives more than it seems
 * to, at the edges of what is allowed, and in any order of weights, raises and ways back.
 */
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import fc from 'fast-check';
import type { Rotation } from '../traffic/rotation.ts';
import { percentOf, versionShares, workerShares } from '../traffic/version-shares.ts';
import { AskerBook, askerIn } from './askers.ts';
import { ceilingOf, type CeilingQuestion, coverageOf, fallsBelow, type FlagCode } from './ceiling.ts';
import { type FlagDefinition, notesOf } from './definition.ts';
import { Flag } from './flag.ts';
import type { JsonObject } from './json.ts';
import { inForce, laidOver } from './override.ts';
import { lowered, lowestOf, raisedPercent, raisedTo, surePercent } from './raised.ts';
import { sharedOut } from './share.ts';

const definition = (
  targeting: JsonObject | null,
  defaultVariant: string | null = 'off',
  variants: FlagDefinition['variants'] = { on: true, off: false },
): FlagDefinition => ({ state: 'ENABLED', variants, defaultVariant, targeting, metadata: {} });

describe('how far a definition is raised', () => {
  const is = (percent: number, targeting: JsonObject | null, otherwise: string | null = 'off') =>
    assert.equal(raisedPercent(definition(targeting, otherwise), 'off'), percent);

  it('is the share of what is not its lowest variant', () => {
    is(0, null);
    is(100, null, 'on');
    is(0, null, null);
    is(10, {
      fractional: [
        ['on', 10],
        ['off', 90],
      ],
    });
    is(34, { fractional: [['on'], ['off', 1], ['off', 1]] });
    is(0, {
      fractional: [
        ['off', 1],
        ['on', 0],
      ],
    });
  });

  it('is the most of all branches, whoever they are for', () => {
    const tenth = {
      fractional: [
        ['on', 10],
        ['off', 90],
      ],
    };
    is(10, { if: [{ '==': [{ var: 'country' }, 'DE'] }, tenth, 'off'] });
    is(100, { if: [{ '==': [{ var: 'country' }, 'DE'] }, 'on', tenth] });
    is(100, { if: [{ var: 'x' }, 'off'] }, 'on');
    is(100, { if: [{ var: 'x' }, 'off', null] }, 'on');
    is(10, { '?:': [{ var: 'x' }, 'off', tenth] });
  });

  it('is what a roll-out has come to, and not everybody', () => {
    const rolled = (percent: number, targeting: JsonObject | null, [to, from] = ['on', 'off']) => {
      const shared = sharedOut(definition(targeting, 'off', { on: 1, off: 2, half: 3 }), {
        to,
        from,
        percent,
      });
      assert.ok(shared);
      return [raisedPercent(shared, 'off'), surePercent(shared, to)];
    };
    assert.deepEqual(rolled(10, null), [10, 10]);
    assert.deepEqual(rolled(10, { if: [{ var: 'x' }, 'off'] }), [10, 0]);
    assert.deepEqual(rolled(100, { if: [{ var: 'x' }, 'off'] }), [100, 0]);
    assert.deepEqual(rolled(10, { if: [{ var: 'x' }, 'half', 'on'] }, ['off', 'on']), [100, 0]);
    const back = sharedOut(definition({ if: [{ var: 'x' }, 'off', 'off'] }, 'on'), {
      ...{ to: 'on', from: 'off', percent: 10 },
    });
    assert.ok(back);
    is(10, back.targeting, 'on');
  });

  it('is everybody where nothing can be told', () => {
    is(100, { var: 'variant' });
    is(100, { or: [{ var: 'variant' }, 'off'] });
    is(100, { or: [false, 'on'] });
    is(100, { fractional: ['one for all', ['on', 10], ['off', 90]] });
    is(100, {
      fractional: [
        ['on', { var: 'weight' }],
        ['off', 90],
      ],
    });
    // Without a targeting key nobody is shared out.
    is(
      100,
      {
        fractional: [
          ['on', 10],
          ['off', 90],
        ],
      },
      'on',
    );
  });

  it('never says less than a user can be given', () => {
    const variant = fc.constantFrom<string | null>('on', 'off', 'half', null);
    const rule = fc.letrec<{ rule: JsonObject | string | null }>((tie) => ({
      rule: fc.oneof(
        { maxDepth: 3 },
        variant,
        fc
          .array(fc.tuple(fc.constantFrom('on', 'off', 'half'), fc.nat(3)), { minLength: 1, maxLength: 3 })
          .map((buckets): JsonObject => ({ fractional: buckets })),
        fc
          .tuple(fc.array(tie('rule'), { minLength: 1, maxLength: 3 }), fc.boolean())
          .map(([branches, hasElse]): JsonObject => {
            const parts = branches.flatMap((branch, at) => [{ var: `c${at}` }, branch]);
            return { if: hasElse ? [...parts, branches[0] ?? null] : parts };
          }),
        fc.array(tie('rule'), { minLength: 1, maxLength: 3 }).map((parts): JsonObject => ({ or: parts })),
      ),
    })).rule;
    fc.assert(
      fc.property(rule, fc.constantFrom('on', 'off'), (targeting, otherwise) => {
        const of = definition(
          typeof targeting === 'string' || targeting === null ? { if: [true, targeting] } : targeting,
          otherwise,
          { on: 'a', off: 'b', half: 'c' },
        );
        const flag = new Flag('f', of);
        const given = Array.from({ length: 40 }, (_, user) => {
          const context = { targetingKey: `user-${user}`, c0: user % 2 === 0, c1: user % 3 === 0 };
          return flag.evaluate(context, 0).variant;
        });
        const raised = given.filter((each) => each !== null && each !== 'off').length;
        if (raised > 0) assert.ok(raisedPercent(of, 'off') > 0, JSON.stringify(of.targeting));
        if (raised === given.length) assert.ok(raisedPercent(of, 'off') >= 50, JSON.stringify(of.targeting));
        if (surePercent(of, 'on') === 100) assert.deepEqual(new Set(given), new Set(['on']));
      }),
      { numRuns: 1_000 },
    );
  });

  it('is what it was raised to, also where the file says that everybody gets it', () => {
    for (const file of [definition(null), definition(null, 'on'), definition({ var: 'x' }, 'on')])
      for (const percent of [1, 10, 99, 100]) {
        const override = raisedTo(file, 'on', percent, lowestOf(file, file));
        assert.ok(override);
        const now = inForce(file, override);
        assert.ok(now);
        assert.equal(raisedPercent(now, 'off'), percent);
        assert.equal(surePercent(now, 'on'), percent);
        assert.equal(raisedPercent(inForce(file, lowered('off')) ?? file, 'off'), 0);
      }
    const theme = definition(null, 'light', { light: 'l', dark: 'd' });
    assert.equal(lowestOf(theme, theme), 'light');
    // One that no file has, and no variant to go down to.
    assert.equal(lowestOf(theme, null), null);
    assert.equal(raisedTo(theme, 'dark', 10, null), null);
    assert.deepEqual(laidOver(null, theme, lowered(null)), {
      type: 'definition',
      definition: { ...theme, state: 'DISABLED' },
    });
  });
});

const rotation = (weight: number, rules: boolean): Rotation => ({
  instances: ['a', 'b'],
  split: {
    candidate: { instances: ['c'], percent: weight },
    baseline: { instances: [], percent: 0 },
    shadow: null,
    rules: rules ? [{ name: 'r', match: { type: 'any', of: [] }, percent: 50, group: 'candidate' }] : [],
  },
  draining: [],
});
const versionOf = (id: string) => ({ a: 'v1', b: 'v1', c: 'v2' })[id];

describe('who gets the requests', () => {
  const shares = (of: Rotation) => versionShares(of, versionOf);

  it('is told by weights, and by the number of instances that share alike', () => {
    assert.equal(percentOf(shares(rotation(30, false)), ['v2']), 30);
    assert.equal(percentOf(shares(rotation(30, false)), ['v1']), 70);
    const alike = { instances: ['a', 'b', 'c'], split: null, draining: [] };
    assert.equal(percentOf(shares(alike), ['v2']), 33);
    assert.equal(percentOf(shares(alike), ['v1', 'v2']), 100);
    assert.deepEqual(shares({ instances: [], split: null, draining: [] }), []);
  });

  it('is nobody for sure where rules decide, or where any worker may take a job', () => {
    assert.equal(percentOf(shares(rotation(0, true)), ['v1']), 0);
    assert.equal(percentOf(shares(rotation(10, true)), ['v2']), 10);
    assert.equal(percentOf(shares(rotation(10, true)), ['v1', 'v2']), 100);
    assert.equal(percentOf(workerShares(['v1', 'v2']), ['v2']), 0);
    assert.equal(percentOf(workerShares(['v2', 'v2']), ['v2']), 100);
  });
});

const code = (weight: number, since: string | null = 'v2'): FlagCode => ({
  service: 'web',
  versions: ['v2'],
  since,
  traffic: versionShares(rotation(weight, false), versionOf),
});

const asked = (percent: number, about: Partial<CeilingQuestion> = {}) =>
  ceilingOf({ percent, code: [code(30)], needs: null, ...about });

describe('the ceiling', () => {
  it('is the share of the versions with the code, and says who has the rest', () => {
    assert.deepEqual(asked(30), { type: 'allowed' });
    assert.deepEqual(asked(31), {
      type: 'limited',
      percent: 30,
      why: 'only 30% of the requests go to a version of web with its code (v2 or later); 70% to v1',
    });
    assert.deepEqual(asked(1, { code: [code(0)] }), {
      type: 'refused',
      why: 'no request goes to a version of web with its code (v2 or later); 100% to v1',
    });
    assert.deepEqual(asked(0, { code: [code(0)] }), { type: 'allowed' });
    const unknown = asked(1, { code: [{ ...code(0), versions: [] }] });
    assert.match(unknown.type === 'refused' ? unknown.why : '', /there is no v2 of web yet; 30%|100% to v1/);
  });

  it('is nothing where nothing is known of its code, or nobody is served', () => {
    assert.deepEqual(asked(100, { code: [] }), { type: 'allowed' });
    assert.deepEqual(asked(100, { code: [{ ...code(0), traffic: [] }] }), { type: 'allowed' });
  });

  it('is the least of all services that ask for it', () => {
    const api = { ...code(20, null), service: 'api' };
    assert.deepEqual(asked(25, { code: [code(30), api] }), {
      type: 'limited',
      percent: 20,
      why: 'only 20% of the requests go to a version of api that has asked for it (v2); 80% to v1',
    });
  });

  it('waits for the schema', () => {
    for (const [reach, why] of [
      ['new', 'it needs 0007-split-name, which is not expanded'],
      ['expanded', 'it needs 0007-split-name, whose backfill is not done'],
      [null, 'it needs 0007-split-name, which Segue has not seen in the database'],
    ] as const)
      assert.deepEqual(asked(1, { needs: { change: '0007-split-name', reach } }), { type: 'refused', why });
    for (const reach of ['filled', 'contracted', 'finished'] as const)
      assert.deepEqual(asked(1, { needs: { change: '0007-split-name', reach } }), { type: 'allowed' });
  });
});

test('whatever people and releases do, no flag is above the share of the versions with its code', () => {
  const act = fc.oneof(
    fc.record({ type: fc.constant('weight' as const), percent: fc.nat(100) }),
    fc.record({ type: fc.constant('raise' as const), flag: fc.nat(2), percent: fc.nat(100) }),
  );
  fc.assert(
    fc.property(fc.array(act, { maxLength: 30 }), (acts) => {
      // v2 is rolled out and back: two flags have their code in it, one in v1.
      const versions = [['v2'], ['v2'], ['v1']];
      const raised = [0, 0, 0];
      let weight = 0;
      const codeAt = (flag: number, at: number): FlagCode => ({
        ...code(at),
        versions: versions[flag] ?? [],
      });
      const holds = () =>
        raised.forEach((percent, flag) => {
          const most = coverageOf(codeAt(flag, weight));
          assert.ok(percent <= most, `flag ${flag} at ${percent}%, its code at ${most}%`);
        });
      for (const each of acts) {
        if (each.type === 'weight') {
          // They go down first.
          for (const flag of raised.keys())
            if (fallsBelow(raised[flag] ?? 0, codeAt(flag, weight), codeAt(flag, each.percent)))
              raised[flag] = 0;
          holds();
          weight = each.percent;
        } else {
          const { flag, percent } = each;
          const ceiling = ceilingOf({ percent, code: [codeAt(flag, weight)], needs: null });
          if (ceiling.type === 'allowed') raised[flag] = percent;
          if (ceiling.type === 'limited') raised[flag] = ceiling.percent;
        }
        holds();
      }
    }),
    { numRuns: 2_000 },
  );
});

test('metadata says which version brought the code, which later ones have it not, and what it needs', () => {
  const { notes, problems } = notesOf({ release: 'web@v2', without: 'v2.1, v2.2', needs: '0007-split-name' });
  assert.deepEqual(problems, []);
  assert.deepEqual(notes.release, { service: 'web', version: 'v2' });
  assert.deepEqual(notes.without, ['v2.1', 'v2.2']);
  assert.equal(notes.needs, '0007-split-name');
  const wrong = notesOf({ release: 'web', without: ',', needs: 'two words' }).problems;
  assert.deepEqual(
    wrong.map(({ name }) => name),
    ['release', 'without', 'needs'],
  );
});

test('the oldest version that asked is remembered, and only of versions that there are', () => {
  const made: Readonly<Record<string, number>> = { v1: 1, v2: 2, v3: 3 };
  const madeAtMs = (_service: string, version: string) => made[version] ?? null;
  const book = new AskerBook({});
  for (const version of ['v3', 'v2', 'v9', 'v3']) book.note('f', { service: 'web', version }, madeAtMs);
  assert.deepEqual(book.of('f'), [{ service: 'web', version: 'v2' }]);
  assert.deepEqual(new AskerBook(book.all(new Set(['f']))).of('f'), [{ service: 'web', version: 'v2' }]);
  assert.deepEqual(book.all(new Set()), {});
  assert.deepEqual(askerIn({ segueService: 'web', segueVersion: 'v2' }), { service: 'web', version: 'v2' });
  assert.equal(askerIn({ segueService: 'web' }), null);
});
