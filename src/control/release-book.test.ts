/**
 * Hunts a service that is left behind: one of several released together that is promoted while another is not,
 * that goes on while another goes back, or that does not hear of a pause; at any write, since control may die
 * after any. The store is the real one, the happenings and their order are random.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { releaseRecord, serviceRecord } from '../../test/contract/records.ts';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { openSqliteStore } from '../drivers/store/sqlite/open.ts';
import { joined, type Member } from '../core/release/group.ts';
import type { ReleaseRecord } from '../core/release/records.ts';
import { isPromoted, nextAct } from '../core/release/state.ts';
import type { Step } from '../core/release/step.ts';
import { Ledger } from './ledger.ts';
import { doneOf, type Happening, ReleaseBook } from './release-book.ts';

const SERVICES = ['web', 'api', 'mail'];
const MEMBERS: Member[] = SERVICES.map((service, i) => ({ release: `r${i + 1}`, service, after: [] }));
const STEPS: Step[] = [
  { kind: 'start', instances: [] },
  { kind: 'approve', instances: [] },
  { kind: 'promote', version: 'v2' },
  { kind: 'stop', instances: [] },
];

type Deed = 'done' | 'failed' | 'abort' | 'pause' | 'resume' | 'approve';
const deeds = fc.array(
  fc.tuple(
    fc.nat(2),
    fc.constantFrom<Deed>(
      'done',
      'done',
      'done',
      'done',
      'done',
      'failed',
      'abort',
      'pause',
      'resume',
      'approve',
    ),
  ),
  { minLength: 5, maxLength: 40 },
);

function happeningOf(deed: Deed, { state, plan }: ReleaseRecord): Happening | null {
  const act = nextAct(state, plan.steps);
  const word = { by: 'kim', reason: '' };
  switch (deed) {
    case 'done':
      if (act.do === 'plan-back')
        return {
          event: { type: 'back-planned', steps: [{ kind: 'stop', instances: [] }] },
          fact: { kind: 'back-planned', cause: act.cause, steps: [] },
        };
      return act.do === 'apply' ? { event: { type: 'step-done' }, fact: doneOf(act, '') } : null;
    case 'failed': {
      if (act.do !== 'apply') return null;
      const { index, direction } = act;
      const error = { code: 'SMOKE_FAILED', detail: '' } as const;
      return {
        event: { type: 'step-failed', error },
        fact: { kind: 'step-failed', index, direction, error },
      };
    }
    case 'abort':
      return { event: { type: 'abort-asked', ...word }, fact: { kind: 'abort-asked', ...word } };
    case 'pause':
      return { event: { type: 'paused', ...word, atMs: 0 }, fact: { kind: 'paused', ...word } };
    case 'resume':
      return { event: { type: 'resumed', ...word }, fact: { kind: 'resumed', ...word } };
    case 'approve':
      return {
        event: { type: 'approved', index: 1, ...word },
        fact: { kind: 'approved', index: 1, ...word },
      };
  }
}

async function scene(t: TestContext) {
  const root = await mkdtemp(path.join(os.tmpdir(), 'segue-book-'));
  const store = await openSqliteStore({ root });
  t.after(async () => {
    await store.close();
    await rm(root, { recursive: true });
  });
  const ledger = await Ledger.open(store, new FakeClock());
  const book = new ReleaseBook({ ledger, store, clock: new FakeClock(), onTurned: () => undefined });
  return { store, ledger, book };
}

/** v1 serves everywhere; the releases of the group are at their first step. */
async function plant(ledger: Ledger, book: ReleaseBook, members: readonly Member[]): Promise<void> {
  await ledger.write(() => ({
    facts: [],
    changes: members.flatMap(({ release, service }) => {
      const others = members.filter((each) => each.service !== service).map((each) => each.service);
      const steps = joined(STEPS, 'v2', { after: [], others });
      const record = releaseRecord(release, { service, to: 'v2', group: members });
      return [
        { put: 'release', record: { ...record, plan: { ...record.plan, to: 'v2', steps } } },
        { put: 'service', record: serviceRecord(service, { stable: 'v1' }) },
      ] as const;
    }),
  }));
  for (const { release } of members) {
    const record = ledger.release(release);
    const act = record && nextAct(record.state, record.plan.steps);
    if (record && act?.do === 'apply') await book.begin(record, act);
  }
}

/** What holds after every write, of all of them at once. */
function check(ledger: Ledger, members: readonly Member[]): void {
  const all = members.flatMap(({ release }) => ledger.release(release) ?? []);
  assert.equal(all.length, 3);
  const stables = new Set(members.map(({ service }) => ledger.service(service).stable));
  const story = JSON.stringify(all.map(({ state }) => state));
  assert.equal(stables.size, 1, `some are promoted: ${story}`);
  const promoted = all.filter(({ state, plan }) => isPromoted(state, plan.steps));
  assert.equal(promoted.length, stables.has('v2') ? 3 : 0, `memory and records differ: ${story}`);
  const forward = all.filter(({ state }) => state.phase === 'forward');
  if (promoted.length === 0) assert.ok([0, 3].includes(forward.length), `one went back alone: ${story}`);
  const paused = forward.filter(({ state }) => state.phase === 'forward' && state.paused);
  assert.ok([0, forward.length].includes(paused.length), `one does not know of the pause: ${story}`);
}

test('whatever happens in whatever order, all are promoted, or all go back, in one write', async (t) => {
  const { ledger, book } = await scene(t);
  const endings = { promoted: 0, back: 0 };
  let number = 0;
  await fc.assert(
    fc.asyncProperty(deeds, async (list) => {
      number += 1;
      const members = SERVICES.map((service, i) => ({
        ...{ release: `r${number}-${i}`, service: `${service}-${number}`, after: [] },
      }));
      await plant(ledger, book, members);
      for (const [who, deed] of list) {
        const id = members[who]?.release ?? '';
        await book.tell(id, (release) => happeningOf(deed, release));
        check(ledger, members);
      }
      const [first] = members;
      if (first && ledger.service(first.service).stable === 'v2') endings.promoted += 1;
      else if (first && ledger.release(first.release)?.state.phase !== 'forward') endings.back += 1;
    }),
    { numRuns: 60 },
  );
  t.diagnostic(JSON.stringify(endings));
  assert.ok(endings.back > 0 && endings.promoted > 0, 'the stories end both ways');
});

test('when the last one is there, one write promotes all, and each goes on by itself', async (t) => {
  const { store, ledger, book } = await scene(t);
  const steps = joined(STEPS.slice(2), 'v2', { after: [], others: ['other'] });
  await ledger.write(() => ({
    facts: [],
    changes: MEMBERS.map(({ release, service }) => {
      const record = releaseRecord(release, { service, to: 'v2', group: MEMBERS });
      const state = { phase: 'forward', at: 0, underWay: release !== 'r3' } as const;
      return { put: 'release', record: { ...record, state, plan: { ...record.plan, steps } } } as const;
    }),
  }));
  const finish = (id: string) => book.tell(id, (release) => happeningOf('done', release));
  await finish('r1');
  assert.equal(ledger.service('web').stable, null, 'r3 has not come to where the others wait');
  const third = ledger.release('r3');
  const act = third && nextAct(third.state, third.plan.steps);
  assert.ok(third && act?.do === 'apply');
  await book.begin(third, act);
  await finish('r1');
  assert.deepEqual(
    SERVICES.map((service) => ledger.service(service).stable),
    ['v2', 'v2', 'v2'],
  );
  const entries = await store.entries({ limit: 100 });
  const kinds = entries.filter(({ release }) => release === 'r2').map(({ fact }) => fact.kind);
  assert.deepEqual(
    kinds,
    ['step-done', 'step-started', 'step-done', 'step-started'],
    'as if it had gone alone',
  );
});
