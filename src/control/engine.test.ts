/** Hunts a release that cannot go back for something that is no part of going back. The store is the real one. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { instanceRecord, releaseRecord, serviceRecord, versionRecord } from '../../test/contract/records.ts';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { serviceSpec } from '../../test/support/service-spec.ts';
import type { ReleaseRecord } from '../core/release/records.ts';
import { EMPTY_ROTATION } from '../core/traffic/rotation.ts';
import { openSqliteStore } from '../drivers/store/sqlite/open.ts';
import { Engine, type EngineParts } from './engine.ts';
import { Ledger } from './ledger.ts';

test('a way back is planned whatever is wrong with flags, and control goes on', async (t) => {
  const root = await mkdtemp(path.join(os.tmpdir(), 'segue-engine-'));
  const store = await openSqliteStore({ root });
  t.after(async () => {
    await store.close();
    await rm(root, { recursive: true });
  });
  const clock = new FakeClock();
  const ledger = await Ledger.open(store, clock);
  const turning = { phase: 'turning', cause: { code: 'CANDIDATE_WORSE', detail: '' }, tries: 0 } as const;
  const record: ReleaseRecord = { ...releaseRecord('r2', { from: 'v1', to: 'v2' }), state: turning };
  const rotation = { ...EMPTY_ROTATION, instances: ['web-1'] };
  await ledger.write(() => ({
    facts: [],
    changes: [
      { put: 'version', record: versionRecord('v1') },
      { put: 'version', record: versionRecord('v2') },
      { put: 'instance', record: instanceRecord('web-1') },
      {
        put: 'service',
        record: serviceRecord('web', { stable: 'v1', wanted: 1, rotation, activeRelease: 'r2' }),
      },
      { put: 'release', record },
    ],
  }));
  const { promise: over, resolve } = Promise.withResolvers<unknown>();
  ledger.follow(({ fact }) => {
    if (fact.kind === 'release-ended') resolve(fact.outcome);
  });
  const engine = new Engine({
    ...{ ledger, ports: { store, clock, plane: { freshReport: () => Promise.resolve(null) } } },
    fleet: { onCrash: () => undefined, runningOf: () => [{ id: 'web-1', version: 'v1', ready: true }] },
    schema: { leave: () => undefined },
    flags: {
      factsFor: () => {
        throw new Error('nobody can read it');
      },
    },
    serviceOf: () => serviceSpec({ instances: 1 }),
    beforeEnd: () => Promise.resolve(),
    onFault: resolve,
  } as unknown as EngineParts);
  t.after(() => engine.close());
  engine.run('r2');
  assert.equal(await over, 'rolled-back');
});
