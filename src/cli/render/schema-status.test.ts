/** Hunts a database that is shown as further than it is: a contract that is half made, or half taken back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DatabaseStatus } from '../../wire/database-api.ts';
import { renderSchemaStatus } from './schema-status.ts';
import { plainPaint } from './style.ts';

test('what is half done is shown as that, with what ends it', () => {
  const status: DatabaseStatus = {
    changes: [
      { name: '0001-whole', reach: 'contracted', halfway: null, usedBy: [] },
      { name: '0002-begun', reach: 'contracted', halfway: 'contract', usedBy: [] },
      { name: '0003-back', reach: 'contracted', halfway: 'restore', usedBy: [] },
      // As an older control says it.
      { name: '0004-old', reach: 'filled', usedBy: [] },
    ],
    backfills: [],
    contracts: [
      {
        ...{ change: '0002-begun', keptUntilMs: null, freeSinceMs: null, dueAtMs: null, by: [] },
        failed: { error: { code: 'CHANGE_EDITED', detail: 'it is ready' }, againAtMs: null },
      },
    ],
    trouble: null,
  };
  const lines = renderSchemaStatus(status, 0, plainPaint);
  const lineOf = (name: string) => lines.find((line) => line.includes(name)) ?? '';
  assert.match(lineOf('0001'), /^ +0001-whole +contracted *$/);
  assert.match(
    lineOf('0002'),
    /^ +0002-begun +contracting +contract failed \(CHANGE_EDITED\), .*: it is ready$/,
  );
  assert.match(lineOf('0003'), /^ +0003-back +restoring +half taken back; .* --contract" ends that$/);
  assert.match(lineOf('0004'), /^ +0004-old +filled *$/);
});
