/**
 * Hunts a judge that is shown the wrong requests: those whom a rule gave the variant, those at another version or of
 * another roll-out; a split that is taken for another one because a sketch of keys fills up, or that nobody looks at;
 * and a control that comes back and counts twice.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chance } from '../../../test/support/chance.ts';
import { FlagRow } from '../../gateway/service-tally.ts';
import { beginEvidence, EvidenceBook } from '../judge/evidence.ts';
import { Judge } from '../judge/judge.ts';
import { DEFAULT_JUDGE } from '../judge/rules.ts';
import { isReached } from '../judge/verdict.ts';
import type { AssignedCounts, FailureEvent } from '../traffic/counts.ts';
import { hashOf } from '../traffic/hash.ts';
import type { FlagCounts } from './edge.ts';
import type { Rollout } from './rollout.ts';
import { RolloutRows } from './rollout-rows.ts';

const ROLLOUT: Rollout = {
  ...{ flag: 'checkout', from: 'off', to: 'on', before: null, reason: '', approvers: null },
  ...{ services: ['web', 'api'], judge: DEFAULT_JUDGE, keyed: false },
};
const stableOf = () => 'v1';

const share = (percent: number, change: object = {}) => ({
  release: 'r2',
  version: 'v1',
  percent,
  ...change,
});

/** As the gateway counts: a row for each variant. */
class Edge {
  readonly rows = { on: this.#row('on', 10), off: this.#row('off', 90) };
  failures: FailureEvent[] = [];

  #row(variant: string, percent: number): FlagRow {
    return new FlagRow({ service: 'web', flag: 'checkout', variant, share: share(percent) });
  }

  ask(variant: 'on' | 'off', user: string, status = 200): void {
    const visitor = hashOf(user);
    this.rows[variant].countKey(visitor);
    this.rows[variant].answered(status);
    if (status < 500) return;
    const percent = variant === 'on' ? 10 : 90;
    const flags = [{ release: 'r2', flag: 'checkout', variant, percent }];
    this.failures.push({
      ...{ service: 'web', version: 'v1', group: null, percent: null, rule: null, atMs: 0 },
      ...{ instance: 'web-1', routing: 1, session: null, kind: 'status', status },
      shared: { visitor: visitor.toString(36), flags },
    });
  }

  take(): { flags: FlagCounts[]; failures: FailureEvent[] } {
    const failures = this.failures;
    this.failures = [];
    return { flags: [this.rows.on.counts(), this.rows.off.counts()], failures };
  }
}

const RECORD = beginEvidence({ release: 'r2', service: 'flag:checkout', from: 'off', to: 'on' }, []);

/** The judge, as control has it. */
class Court {
  readonly book: EvidenceBook;
  readonly #rows: RolloutRows;
  readonly #judge = new Judge(DEFAULT_JUDGE.rules, null, true);

  constructor(record = RECORD) {
    this.book = new EvidenceBook(record);
    this.#rows = new RolloutRows('r2', ROLLOUT, record.seen);
  }

  hear({ flags, failures }: ReturnType<Edge['take']>) {
    const rows = this.#rows.rowsOf(flags, stableOf);
    this.book.take({ rows, failures: this.#rows.failuresOf(failures, stableOf), sticky: true });
    return this.#judge.verdict(this.book.observed());
  }
}

test('rows are beside each other by service, version and share, and no others are looked at', () => {
  const answered = [1, 0, 0, 0] as const;
  const counts = { answered, failed: 0, abandoned: 0, retried: 0, latency: [], latencySumMs: 0 };
  const own = { service: 'web', flag: 'checkout', variant: 'on', share: share(10) };
  const row = (change: object): FlagCounts => ({ ...own, ...counts, ...change });
  const rows = new RolloutRows('r2', ROLLOUT, []);
  const seen = rows.rowsOf(
    [
      row({}),
      row({ variant: 'off', share: share(90) }),
      row({ service: 'api' }),
      row({ share: undefined }),
      row({ variant: 'beta' }),
      row({ flag: 'theme' }),
      row({ service: 'mail' }),
      row({ share: share(10, { version: 'v2' }) }),
      row({ share: share(10, { release: 'r1' }) }),
    ],
    stableOf,
  );
  assert.deepEqual(
    seen.map(({ service, version, group, percent, rule }) => [service, version, group, percent, rule]),
    [
      ['flag:checkout', 'on', 'candidate', 10, 'web v1'],
      ['flag:checkout', 'off', 'stable', 90, 'web v1'],
      ['flag:checkout', 'on', 'candidate', 10, 'api v1'],
    ],
  );
});

test('a variant that fails is worse after a few users; a user who fails again and again is one', () => {
  const [edge, court] = [new Edge(), new Court()];
  for (let again = 0; again < 50; again += 1) edge.ask('on', 'one', 500);
  for (let user = 0; user < 90; user += 1) edge.ask('off', `user-${user}`);
  assert.equal(court.hear(edge.take()).verdict, 'not-enough-evidence');
  let failed = 1;
  for (; failed < 30; failed += 1) {
    edge.ask('on', `other-${failed}`, 500);
    for (let user = 0; user < 9; user += 1) edge.ask('off', `more-${failed}-${user}`);
    if (court.hear(edge.take()).verdict === 'worse') break;
  }
  assert.ok(failed < 12, `${failed} users failed`);
});

test('a good variant passes by users, and not by the requests of one of them', () => {
  const [edge, court] = [new Edge(), new Court()];
  for (let again = 0; again < 5_000; again += 1) edge.ask('on', 'one');
  for (let user = 0; user < 100; user += 1) edge.ask('off', `user-${user}`);
  assert.equal(court.hear(edge.take()).verdict, 'not-enough-evidence');
  for (let user = 0; user < 1_200; user += 1) edge.ask('on', `other-${user}`);
  for (let user = 0; user < 10_800; user += 1) edge.ask('off', `more-${user}`);
  assert.equal(court.hear(edge.take()).verdict, 'better-or-same');
});

test('users that come when the split was looked at for long enough count on, whichever worker tells of them', () => {
  const [edge, court] = [new Edge(), new Court()];
  const verdicts = Array.from({ length: 12 }, (_, look) => {
    for (let user = 0; user < 100; user += 1) edge.ask('on', `on-${look}-${user}`);
    for (let user = 0; user < 900; user += 1) edge.ask('off', `off-${look}-${user}`);
    const { flags, failures } = edge.take();
    return court.hear({ flags: flags.map((row) => ({ ...row, worker: 'a' })), failures }).verdict;
  });
  assert.equal(verdicts[0], 'not-enough-evidence');
  assert.equal(verdicts.at(-1), 'better-or-same');
});

/** True when the split is ever said to be another one. */
function isMismatched(chance: Chance, part: number, users: number): boolean {
  const [edge, court] = [new Edge(), new Court()];
  for (let user = 0; user < users; user += 1) {
    edge.ask(chance.unit() < part ? 'on' : 'off', `${chance.unit()}`);
    if (user % 100 === 99 && isReached(court.hear(edge.take()).mismatch)) return true;
  }
  return false;
}

test('the split is what was asked for however many come, and another one is found', () => {
  const count = (paths: number, part: number, users: number) => {
    let found = 0;
    for (let seed = 1; seed <= paths; seed += 1)
      if (isMismatched(new Chance(seed * 7919), part, users)) found += 1;
    return found;
  };
  const healthy = count(40, 0.1, 4_000);
  assert.ok(healthy <= 2, `${healthy} of 40`);
  const skewed = count(20, 0.2, 4_000);
  assert.ok(skewed >= 18, `${skewed} of 20`);
});

test('a control that comes back counts nothing twice and looks at the split with the same users', () => {
  const [edge, court] = [new Edge(), new Court()];
  for (let user = 0; user < 1_000; user += 1) edge.ask(user % 10 === 0 ? 'on' : 'off', `user-${user}`);
  court.hear(edge.take());
  const before = court.book.observed();
  const back = new Court(court.book.record());
  back.hear(edge.take());
  assert.deepEqual(back.book.observed(), before);
  const seen = (rows: readonly AssignedCounts[]) => rows.map(({ decisions }) => decisions);
  for (let user = 0; user < 1_000; user += 1) edge.ask('on', `late-${user}`);
  back.hear(edge.take());
  assert.deepEqual(seen(back.book.record().seen), seen(court.book.record().seen), 'it had enough of them');
});

test('users are counted once whichever workers they meet, and by another gateway as well; requests by worker', () => {
  const [one, two] = [new Edge(), new Edge()];
  const told = (edge: Edge, worker: string) => edge.take().flags.map((row) => ({ ...row, worker }));
  for (let user = 0; user < 200; user += 1)
    for (const edge of [one, two]) edge.ask(user % 10 === 0 ? 'on' : 'off', `user-${user}`);
  let court = new Court();
  const hear = (...flags: FlagCounts[]) => {
    court.hear({ flags, failures: [] });
    const [seen] = court.book.observed().release;
    assert.ok(seen);
    const { candidate, stable } = seen;
    return [candidate.requests, stable.requests, candidate.assigned, stable.assigned];
  };
  const all = hear(...told(one, 'a'), ...told(two, 'b'));
  const [on = 0, off = 0, users = 0] = all;
  assert.deepEqual([on, off], [40, 360]);
  assert.ok(users > 15 && users <= 20, `${users} users`);
  // The master is lost, its workers come back one by one, to the control after this one as well.
  for (const next of [court, new Court(court.book.record())]) {
    court = next;
    assert.deepEqual(hear(...told(two, 'b')), all);
    assert.deepEqual(hear(...told(one, 'a'), ...told(two, 'b')), all);
    assert.deepEqual(hear(), all);
  }
  const third = new Edge();
  for (let user = 0; user < 200; user += 1) third.ask(user % 10 === 0 ? 'on' : 'off', `user-${user}`);
  assert.deepEqual(hear(...told(third, 'c')), [on + 20, off + 180, ...all.slice(2)], 'the same users');
});
