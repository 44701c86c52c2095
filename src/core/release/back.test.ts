/** Hunts ways back that keep a candidate in traffic that carries nothing, take stable away, or forget to drain. */
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { planBack } from './back.ts';
import { certify } from './certificate.ts';
import { NO_SHARE } from '../traffic/rotation.ts';
import { type Facts, nextInstanceNumber, type RunningInstance } from './facts.ts';

const old = (n: number, ready = true): RunningInstance => ({ id: `web-r1-${n}`, version: 'v1', ready });
const young = (n: number, ready = true): RunningInstance => ({ id: `web-r2-${n}`, version: 'v2', ready });

function factsWith(
  running: readonly RunningInstance[],
  inRotation: readonly string[],
  draining: readonly string[] = [],
): Facts {
  return {
    service: 'web',
    stable: 'v1',
    stableInstances: 2,
    running,
    rotation: { instances: inRotation, split: null, draining },
    nextInstance: 9,
    alone: null,
  };
}

const back = (facts: Facts, urgent = false) =>
  planBack({ facts, release: 'r2', urgent }).map((step) => step.kind);

describe('the way back', () => {
  it('leaves the routing alone where the candidate never had traffic', () => {
    const facts = factsWith([old(1), old(2), young(1)], ['web-r1-1', 'web-r1-2']);
    assert.deepEqual(back(facts), ['stop']);
  });

  it('is one routing while stable is warm, and drains before it stops (R2, R4)', () => {
    const facts = factsWith([old(1), old(2), young(1)], ['web-r2-1'], ['web-r1-1', 'web-r1-2']);
    assert.deepEqual(back(facts), ['route', 'drain', 'stop']);
  });

  it('starts what is missing of stable before a candidate that works leaves (R1)', () => {
    const facts = factsWith([old(1), young(1)], ['web-r1-1', 'web-r2-1']);
    assert.deepEqual(back(facts), ['start', 'ready', 'route', 'drain', 'stop']);
  });

  it('takes a candidate that answers wrongly out at once, even when stable is short', () => {
    const facts = factsWith([old(1), young(1)], ['web-r1-1', 'web-r2-1']);
    assert.deepEqual(back(facts, true), ['route', 'start', 'ready', 'route', 'drain', 'stop']);
  });

  it('does not wait for stable to be whole while all of the candidate is unready: it carries nothing', () => {
    const facts = factsWith([old(1), young(1, false)], ['web-r2-1'], ['web-r1-1']);
    assert.deepEqual(back(facts)[0], 'route');
  });

  it('drains again what was still draining when an earlier try ended (R2)', () => {
    const facts = factsWith([old(1), old(2), young(1)], ['web-r1-1', 'web-r1-2'], ['web-r2-1']);
    assert.deepEqual(back(facts), ['drain', 'stop']);
  });

  const shrunk = (urgent: boolean) => {
    const split = {
      candidate: { instances: ['web-r2-1'], percent: 70 },
      baseline: NO_SHARE,
      shadow: null,
      rules: [],
    };
    const facts: Facts = {
      ...factsWith([old(1), young(1)], []),
      rotation: { instances: ['web-r1-1'], split, draining: [] },
    };
    return planBack({ facts, release: 'r2', urgent });
  };

  it('gives stable at once what those of it that are left can bear', () => {
    const [eased, ...rest] = shrunk(false);
    assert.ok(eased?.kind === 'route');
    assert.deepEqual(eased.rotation.split?.candidate, { instances: ['web-r2-1'], percent: 50 });
    assert.deepEqual(
      rest.map((step) => step.kind),
      ['start', 'ready', 'route', 'drain', 'stop'],
    );
  });

  it('does not ease what has to leave at once', () => {
    const [first] = shrunk(true);
    assert.ok(first?.kind === 'route');
    assert.deepEqual([first.rotation.instances, first.rotation.split], [['web-r1-1'], null]);
  });

  it('ends what was started beside stable, and nothing that was there before', () => {
    const beside = (n: number): RunningInstance => ({ id: `web-r2-${n}`, version: 'v1', ready: true });
    const split = {
      candidate: { instances: ['web-r2-1'], percent: 10 },
      baseline: { instances: ['web-r2-2'], percent: 10 },
      shadow: null,
      rules: [],
    };
    const facts: Facts = {
      ...factsWith([old(1), old(2), young(1), beside(2)], []),
      rotation: { instances: ['web-r1-1', 'web-r1-2'], split, draining: [] },
    };
    const [route, drain, stop] = planBack({ facts, release: 'r2', urgent: true });
    assert.deepEqual(route?.kind === 'route' && route.rotation.instances, ['web-r1-1', 'web-r1-2']);
    for (const step of [drain, stop])
      assert.deepEqual(step && 'instances' in step && step.instances.map(({ id }) => id), [
        'web-r2-1',
        'web-r2-2',
      ]);
  });

  it('ends with nothing where nothing served before', () => {
    const facts = { ...factsWith([young(1)], ['web-r2-1']), stable: null, stableInstances: 0 };
    const steps = planBack({ facts, release: 'r2', urgent: false });
    assert.deepEqual(
      steps.map((step) => step.kind),
      ['route', 'drain', 'stop'],
    );
    assert.deepEqual(steps[0]?.kind === 'route' && steps[0].rotation.instances, []);
  });
});

describe('the way back where two versions must not run at once', () => {
  const alone = (facts: Facts) => ({
    ...facts,
    stableInstances: 1,
    alone: { holdMs: 10_000, readyMs: null },
  });

  it('is one routing while the old version was not stopped yet', () => {
    assert.deepEqual(back(alone(factsWith([old(1)], [], ['web-r1-1']))), ['route']);
  });

  it('ends the candidate before stable is started, at most half a hold after it left traffic', () => {
    const steps = planBack({
      facts: alone(factsWith([young(1)], ['web-r2-1'])),
      release: 'r2',
      urgent: true,
    });
    assert.deepEqual(
      steps.map((step) => step.kind),
      ['route', 'drain', 'stop', 'start', 'ready', 'route'],
    );
    assert.deepEqual(steps[0]?.kind === 'route' && [steps[0].rotation.instances, steps[0].holdMs], [
      [],
      null,
    ]);
    assert.equal(steps[1]?.kind === 'drain' && steps[1].requestsMs, 5_000);
  });

  it('does not route at all before stable is back where the candidate never had traffic', () => {
    assert.deepEqual(back(alone(factsWith([young(1, false)], []))), ['stop', 'start', 'ready', 'route']);
  });

  it('ends with nothing where nothing served before', () => {
    const facts = { ...alone(factsWith([young(1)], ['web-r2-1'])), stable: null, stableInstances: 0 };
    assert.deepEqual(back(facts), ['route', 'drain', 'stop']);
  });
});

test('the certificate promises for each step what the way back from there would do', () => {
  const facts = factsWith([old(1), old(2)], ['web-r1-1', 'web-r1-2']);
  const fresh = [1, 2].map((n) => ({ id: `web-r2-${n}`, version: 'v2' }));
  const blue = [1, 2].map((n) => ({ id: `web-r1-${n}`, version: 'v1' }));
  const rotation = { instances: fresh.map((i) => i.id), split: null, draining: blue.map((i) => i.id) };
  const { to, ways } = certify(
    facts,
    [
      { kind: 'start', instances: fresh },
      { kind: 'ready', instances: fresh },
      { kind: 'route', rotation, purpose: '' },
      { kind: 'drain', instances: blue },
      { kind: 'stop', instances: blue.slice(1) },
      { kind: 'promote', version: 'v2' },
    ],
    'r2',
    [],
  );
  assert.equal(to, 'v1');
  assert.deepEqual(ways, [
    { how: 'untouched', starts: 0, fromStep: 1, toStep: 2 },
    { how: 'one-routing', starts: 0, fromStep: 3, toStep: 4 },
    { how: 'start-again', starts: 1, fromStep: 5, toStep: 5 },
    { how: 'new-release', starts: 0, fromStep: 6, toStep: 6 },
  ]);
});

test('numbers of instances go on where the release is, whatever other services are called', () => {
  assert.equal(nextInstanceNumber('web', 'r7', []), 1);
  assert.equal(nextInstanceNumber('web', 'r7', ['web-r7-3', 'web-r7-12', 'web-r8-40']), 13);
  assert.equal(nextInstanceNumber('web', 'r7', ['web-r7-1', 'web-r7-r9-5']), 2);
});
