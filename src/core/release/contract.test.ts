/**
 * Hunts a contract that comes while something needs the old schema (R6): an older version that serves, is released,
 * may come back, rests or answers; a connection whose name only looks like a new version's; and a time that goes on
 * counting after an older version was there again.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ErrorCode } from '../errors.ts';
import { limits } from '../limits.ts';
import {
  clientName,
  connectedHolders,
  type ContractRecord,
  type DatabaseClient,
  holdersOf,
  NO_CONTRACT,
  nextOfContract,
  type Standing,
} from './contract.ts';

const knows = (_service: string, version: string) => version !== 'v1';
const nothing: Standing = { services: [], releases: [], instances: [], underWay: [] };
const release = { id: 'r3', service: 'web', from: 'v2', to: 'v3', promoted: false };

const holding: readonly (readonly [what: string, standing: Partial<Standing>, words: string])[] = [
  ['stable', { services: [{ name: 'web', stable: 'v1' }] }, 'v1 of web serves'],
  ['a candidate', { releases: [{ ...release, to: 'v1' }] }, 'r3 releases v1 of web'],
  [
    'what a release may go back to',
    { releases: [{ ...release, from: 'v1' }] },
    'r3 of web can still go back to v1',
  ],
  [
    'an instance that rests',
    { instances: [{ id: 'web-r1-1', service: 'web', version: 'v1', phase: 'resting' }] },
    'web-r1-1 of v1 is resting',
  ],
  [
    'an instance that is about to be gone',
    { instances: [{ id: 'web-r1-1', service: 'web', version: 'v1', phase: 'stopping' }] },
    'web-r1-1 of v1 is stopping',
  ],
  [
    'requests',
    { underWay: [{ instance: 'web-r1-1', service: 'web', version: 'v1', count: 2 }] },
    '2 requests are under way on web-r1-1 of v1',
  ],
];

for (const [what, standing, words] of holding)
  test(`the old schema is held by ${what}`, () => {
    assert.deepEqual(holdersOf({ ...nothing, ...standing }, knows), [words]);
    assert.deepEqual(
      holdersOf({ ...nothing, ...standing }, () => true),
      [],
    );
  });

test('nothing of an older version, and a service that was never released, hold nothing', () => {
  const standing: Standing = {
    services: [
      { name: 'web', stable: 'v2' },
      { name: 'api', stable: null },
    ],
    releases: [
      { ...release, from: null },
      { ...release, from: 'v1', promoted: true },
    ],
    instances: [{ id: 'web-r2-1', service: 'web', version: 'v2', phase: 'running' }],
    underWay: [{ instance: 'web-r1-1', service: 'web', version: 'v1', count: 0 }],
  };
  assert.deepEqual(holdersOf(standing, knows), []);
});

const client = (name: string): DatabaseClient => ({ name, user: 'app', address: null, connections: 1 });
const versions = [{ service: 'web', version: 'v2' }];
const held = (name: string) =>
  connectedHolders({ clients: [client(name)], versions, allowed: ['psql'] }).length > 0;

test('a connection is harmless only where its name says so beyond doubt', () => {
  assert.ok(!held(clientName('web', 'v2', 'web-r2-1')));
  assert.ok(!held('segue'), 'what Segue itself does');
  assert.ok(!held('psql'), 'what the file allows');
  for (const name of [
    '',
    'segue:web:v1:web-r1-1',
    'segue:web:v22:web-r1-1',
    'segue:web:v2',
    'segue:',
    'Psql',
    'psql2',
    'segue2',
  ])
    assert.ok(held(name), name);
});

test('a name that the server cuts says whose it is as long as its version is whole', () => {
  const names = fc.stringMatching(/^[a-z][a-z0-9-]{0,30}$/);
  fc.assert(
    fc.property(names, names, names, (service, version, instance) => {
      const name = clientName(service, version, instance);
      assert.ok(Buffer.byteLength(name) <= 63);
      const own = connectedHolders({
        clients: [client(name)],
        versions: [{ service, version }],
        allowed: [],
      });
      assert.equal(own.length === 0, `segue:${service}:${version}:`.length <= 63);
      const other = [{ service, version: `${version}x` }];
      assert.equal(connectedHolders({ clients: [client(name)], versions: other, allowed: [] }).length, 1);
    }),
  );
});

const free: ContractRecord = { ...NO_CONTRACT, freeSinceMs: 1_000 };
const word = { by: 'somebody', reason: '' };

test('the time counts from when nothing needs it, and begins anew when something does again', () => {
  assert.deepEqual(nextOfContract(NO_CONTRACT, ['v1 serves'], 5_000, 0), { do: 'wait' });
  assert.deepEqual(nextOfContract(NO_CONTRACT, [], 5_000, 0), { do: 'free' });
  assert.deepEqual(nextOfContract(free, [], 1_499, 500), { do: 'wait' });
  assert.deepEqual(nextOfContract(free, ['v1 serves'], 9_000, 500), { do: 'held' });
  assert.deepEqual(nextOfContract(free, [], 1_500, 500), { do: 'contract' });
});

test('without a time in the file a person has to say so, and what was begun goes on; neither while it is held', () => {
  assert.deepEqual(nextOfContract(free, [], 9_000_000, null), { do: 'wait' });
  for (const said of [{ word }, { begun: true }]) {
    assert.deepEqual(nextOfContract({ ...free, ...said }, [], 1_000, null), { do: 'contract' });
    assert.deepEqual(nextOfContract({ ...free, ...said }, ['v1 serves'], 9_000, 0), { do: 'held' });
  }
});

test('what was begun is not under way any more once it is held, also where no time was counted', () => {
  assert.deepEqual(nextOfContract({ ...NO_CONTRACT, begun: true }, ['v1 serves'], 1_000, 0), { do: 'held' });
});

test('one that failed waits for a person, and for a while where what was wrong passes by itself', () => {
  const failed = (code: ErrorCode) => ({ atMs: 2_000, error: { code, detail: '' } });
  const laterMs = 2_000 + limits.schema.contractRetryMs;
  for (const code of ['DATABASE_LOCKED', 'DATABASE_STATEMENT_FAILED'] as const) {
    const record = { ...free, word, failed: failed(code) };
    assert.deepEqual(nextOfContract(record, ['v1 serves'], 2_001, 0), { do: 'held' });
    assert.deepEqual(nextOfContract(record, [], laterMs - 1, 0), { do: 'wait' });
    assert.deepEqual(nextOfContract(record, [], laterMs, 0), {
      do: code === 'DATABASE_LOCKED' ? 'contract' : 'wait',
    });
  }
});
