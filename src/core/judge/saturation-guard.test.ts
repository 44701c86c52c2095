/**
 * Hunts guards that take a cold, an idle or a differently loaded candidate for a greedy one, and greedy ones that
 * are never found: busy loops, leaks, more memory than allowed, restarts.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Chance } from '../../../test/support/chance.ts';
import type { SaturationChoice } from './guard-choices.ts';
import { type InstanceUsage, SaturationGuard } from './saturation-guard.ts';
import type { GuardFinding } from './verdict.ts';

const MB = 1024 ** 2;
const EVERY_MS = 10_000;

const CHOICE: SaturationChoice = {
  everyMs: EVERY_MS,
  warmupMs: 0,
  cpu: 2,
  memory: 2,
  memoryMaxBytes: null,
  growthBytesPerHour: null,
  restarts: 2,
  delay: 3,
};

/** What one instance does between two readings, the number of the reading given. */
interface Instance {
  readonly cpuMs: (at: number) => number;
  readonly rssBytes: (at: number) => number;
  readonly requests: (at: number) => number;
  readonly checkMs: (at: number) => number;
}

const USUAL: Instance = { cpuMs: () => 500, rssBytes: () => 100 * MB, requests: () => 100, checkMs: () => 2 };

function read(
  guard: SaturationGuard,
  readings: number,
  candidate: Partial<Instance> = {},
  stable: Partial<Instance> | null = {},
): GuardFinding[] {
  const nothing = () => ({ cpuMs: 0, requests: 0, checks: { count: 0, tookMs: 0 } });
  const totals = { candidate: nothing(), stable: nothing() };
  const use = (side: 'candidate' | 'stable', at: number, instance: Instance): InstanceUsage => {
    totals[side].cpuMs += instance.cpuMs(at);
    totals[side].requests += instance.requests(at);
    const { count, tookMs } = totals[side].checks;
    totals[side].checks = { count: count + 1, tookMs: tookMs + instance.checkMs(at) };
    return { id: side, ...totals[side], rssBytes: instance.rssBytes(at) };
  };
  for (let at = 0; at < readings; at += 1)
    guard.take({
      atMs: at * EVERY_MS,
      candidate: [use('candidate', at, { ...USUAL, ...candidate })],
      stable: stable === null ? [] : [use('stable', at, { ...USUAL, ...stable })],
    });
  return guard.findings();
}

test('of workers, which have no requests, processor time is compared per second of an instance', () => {
  const worker = (cpu: number | null) => new SaturationGuard({ ...CHOICE, cpu }, 0.0005, { unit: 'second' });
  const cpuOf = (found: readonly GuardFinding[]) => found.find(({ guard }) => guard === 'cpu');
  const none = () => 0;
  const burns = cpuOf(
    read(worker(2), 60, { cpuMs: () => 9_000, requests: none }, { cpuMs: () => 900, requests: none }),
  );
  assert.equal(burns?.verdict, 'worse');
  assert.match(burns.proof, /^900ms of a core per second, stable 90ms; more than 2x in \d+ of \d+ readings$/);
  const alike = cpuOf(read(worker(2), 60, { requests: none }, { requests: none }));
  assert.equal(alike?.verdict, 'not-enough-evidence');
  assert.equal(cpuOf(read(worker(null), 60, { cpuMs: () => 9_000 })), undefined);
});

const guardOf = (change: Partial<SaturationChoice> = {}, falseAlarms = 0.0005) =>
  new SaturationGuard({ ...CHOICE, ...change }, falseAlarms);

function wordOf(findings: readonly GuardFinding[], guard: string): string {
  return findings.find((finding) => finding.guard === guard)?.verdict ?? 'not there';
}

test('nothing read is not enough evidence, and nobody promotes', () => {
  const findings = guardOf({ memoryMaxBytes: MB, growthBytesPerHour: MB }).findings();
  assert.equal(findings.length, 6);
  assert.ok(findings.every(({ verdict, role }) => verdict === 'not-enough-evidence' && role === 'alarm'));
});

describe('processor time', () => {
  test('of a candidate that needs three times as much per request is found within minutes', () => {
    const greedy = { cpuMs: () => 5_000 };
    assert.equal(wordOf(read(guardOf(), 5, greedy), 'cpu'), 'not-enough-evidence');
    const findings = read(guardOf(), 20, greedy);
    assert.equal(wordOf(findings, 'cpu'), 'worse');
    assert.match(
      findings.find(({ guard }) => guard === 'cpu')?.proof ?? '',
      /^50ms of a core per request, stable 5ms; more than 2x in 19 of 19 readings$/,
    );
  });

  test('of a candidate with few requests is held against what it does beside them', () => {
    const idle = { cpuMs: () => 300, requests: () => 2 };
    assert.equal(wordOf(read(guardOf(), 200, idle), 'cpu'), 'not-enough-evidence');
    const busyLoop = { cpuMs: () => 10_000, requests: () => 2 };
    assert.equal(wordOf(read(guardOf(), 20, busyLoop), 'cpu'), 'worse');
  });

  test('during the warm-up does not count', () => {
    const cold = { cpuMs: (at: number) => (at <= 16 ? 9_000 : 500) };
    assert.equal(wordOf(read(guardOf({ warmupMs: 160_000 }), 40, cold), 'cpu'), 'not-enough-evidence');
    assert.equal(wordOf(read(guardOf({ warmupMs: 160_000 }), 17, cold), 'cpu'), 'not-enough-evidence');
    assert.equal(wordOf(read(guardOf(), 17, cold), 'cpu'), 'worse');
  });

  test('says nothing without stable, or where requests are not counted', () => {
    const greedy = { cpuMs: () => 10_000 };
    assert.equal(wordOf(read(guardOf(), 60, greedy, null), 'cpu'), 'not-enough-evidence');
    assert.equal(wordOf(read(guardOf(), 60, greedy, { requests: () => 0 }), 'cpu'), 'not-enough-evidence');
    assert.equal(wordOf(read(guardOf(), 60, greedy, { requests: () => 19 }), 'cpu'), 'not-enough-evidence');
  });

  test('of the same program hardly ever alarms, however noisy', () => {
    let alarms = 0;
    for (let seed = 1; seed <= 500; seed += 1) {
      const chance = new Chance(seed);
      const noisy = { cpuMs: () => 1_000 * Math.exp(2 * chance.unit()) };
      if (wordOf(read(guardOf({ cpu: 1 }, 0.01), 100, noisy, noisy), 'cpu') === 'worse') alarms += 1;
    }
    assert.ok(alarms <= 10, `${alarms} of 500 at a level of 1 in 100`);
  });
});

describe('memory', () => {
  test('far above stable for long is found, a little more is not', () => {
    assert.equal(wordOf(read(guardOf(), 20, { rssBytes: () => 400 * MB }), 'memory'), 'worse');
    assert.equal(wordOf(read(guardOf(), 200, { rssBytes: () => 260 * MB }), 'memory'), 'not-enough-evidence');
  });

  test('is held against the most that stable had, also when it has no traffic any more', () => {
    const relieved = { rssBytes: (at: number) => (at < 5 ? 250 * MB : 90 * MB) };
    const loaded = { rssBytes: (at: number) => (at < 5 ? 90 * MB : 400 * MB) };
    assert.equal(wordOf(read(guardOf(), 100, loaded, relieved), 'memory'), 'not-enough-evidence');
  });

  test('above the ceiling three times in a row is found, once is not', () => {
    const guard = () => guardOf({ memoryMaxBytes: 500 * MB });
    const spike = { rssBytes: (at: number) => (at % 3 === 0 ? 100 * MB : 600 * MB) };
    assert.equal(wordOf(read(guard(), 60, spike), 'memory ceiling'), 'not-enough-evidence');
    const findings = read(guard(), 3, { rssBytes: () => 600 * MB });
    assert.equal(wordOf(findings, 'memory ceiling'), 'worse');
    assert.match(
      findings.find(({ guard: name }) => name === 'memory ceiling')?.proof ?? '',
      /^candidate has 600 MB, at most 500 MB allowed; 3 of 3 in a row$/,
    );
  });

  test('that grows faster than allowed is found, and shown with its rate', () => {
    const leak = (at: number) => (100 + at * 0.5) * MB;
    const findings = read(guardOf({ growthBytesPerHour: 50 * MB }), 120, { rssBytes: leak });
    assert.equal(wordOf(findings, 'memory growth'), 'worse');
    assert.match(
      findings.find(({ guard }) => guard === 'memory growth')?.proof ?? '',
      /^180 MB\/h \(180 MB\/h to 180 MB\/h\), 50 MB\/h tolerated$/,
    );
  });

  test('without a bound its growth is only shown', () => {
    const findings = read(guardOf(), 120, { rssBytes: (at) => (100 + at * 0.5) * MB });
    const growth = findings.find(({ guard }) => guard === 'memory growth');
    assert.deepEqual([growth?.role, growth?.verdict], ['watch', 'not-enough-evidence']);
  });
});

test('answers that come late again and again are found, a slow check that both share is not', () => {
  assert.equal(wordOf(read(guardOf(), 20, { checkMs: () => 200 }), 'delay'), 'worse');
  const shared = { checkMs: () => 200 };
  assert.equal(wordOf(read(guardOf(), 200, shared, shared), 'delay'), 'not-enough-evidence');
  assert.equal(wordOf(read(guardOf(), 200, { checkMs: () => 50 }), 'delay'), 'not-enough-evidence');
});
