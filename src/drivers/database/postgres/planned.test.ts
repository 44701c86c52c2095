/** Hunts a way back that a plan promises and the run would refuse. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile } from '../../../core/database/compile.ts';
import type { Change } from '../../../core/database/change.ts';
import type { Facts } from '../../../core/database/facts.ts';
import { comesBack } from '../../../core/database/kept.ts';
import { plannedSteps } from './planned.ts';

test('the way back from a contract is planned only where what it replaced is kept', () => {
  const table = { schema: 'public', name: 't' };
  const column = { name: 'a', type: 'integer', notNull: false, default: null, identity: false };
  const facts: Facts = {
    '"public"."t"': {
      ...{ table, kind: 'table', rows: 1, key: null, indexes: [], constraints: [], referencedBy: [] },
      columns: [{ ...column, generated: false, sequence: null }],
      ...{ hidden: false, heirs: false },
    },
  };
  const phases = (keepMs: number) => {
    const operations = [{ type: 'renameColumn', table, column: 'a', to: 'b' }] as const;
    const change: Change = { name: '0001-b', digest: '', keepMs, body: { form: 'operations', operations } };
    return new Set(plannedSteps(compile(change, facts), comesBack(change)).map(({ phase }) => phase));
  };
  assert.deepEqual([...phases(1)], ['expand', 'backfill', 'contract', 'restore', 'finish', 'revert']);
  assert.deepEqual([...phases(0)], ['expand', 'backfill', 'contract', 'finish', 'revert']);
});
