/** Hunts an A/B whose rules nobody can tell apart once it has ended, and figures under the wrong version. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entry, releaseOf } from '../../../test/support/release-records.ts';
import type { ReleaseResponse } from '../../wire/api.ts';
import { plainPaint } from './style.ts';
import { renderVerdicts } from './verdict.ts';

const side = (requests: number, errors: number) => ({
  ...{ requests, errors },
  latency:
    requests === 0
      ? []
      : [
          { quantile: 0.5, fromMs: 8, toMs: 9 },
          { quantile: 0.99, fromMs: 40, toMs: null },
        ],
});

test('each rule has its figures, of both versions where both had requests', () => {
  const mismatch = { log: 0, neededLog: 5 };
  const judgement = { verdict: 'better-or-same', findings: [], guards: [], mismatch } as const;
  const rows = [
    { rule: 'staff', share: 0.2, candidate: side(1_200, 3), stable: side(4_000, 0) },
    { rule: null, share: 0.1, candidate: side(7, 0), stable: side(0, 0) },
  ];
  const fact = { kind: 'verdict', verdict: 'better-or-same', stage: 0, judgement, rows } as const;
  const response = { release: releaseOf('done'), judging: null, entries: [entry(1, 0, fact)] };
  const lines = renderVerdicts(response as unknown as ReleaseResponse, plainPaint);
  assert.deepEqual(
    lines.slice(1).map((line) => line.trim().split(/ {2,}/)),
    [
      ['OF', 'VERSION', 'REQUESTS', 'ERRORS', 'P50', 'P95', 'P99'],
      ['staff', 'v2', '1,200', '3', '8ms to 9ms', '-', 'over 40ms'],
      ['v1', '4,000', '0', '8ms to 9ms', '-', 'over 40ms'],
      ['10%', 'v2', '7', '0', '8ms to 9ms', '-', 'over 40ms'],
    ],
  );
});
