/** Bugs hunted: a status that hides what is wrong, and a list that does not say what became of a release. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Standing } from '../../core/judge/standing.ts';
import type { InstanceStatus, ReleaseSummary, StatusResponse } from '../../wire/api.ts';
import { renderReleases } from './release.ts';
import { renderStatus } from './status.ts';
import { plainPaint } from './style.ts';

const NOW_MS = Date.UTC(2026, 0, 2, 12, 0, 0);

const SUMMARY: ReleaseSummary = {
  id: 'r2',
  service: 'web',
  kind: 'deploy',
  strategy: 'rolling',
  from: 'v1',
  to: 'v2',
  by: 'somebody',
  state: 'going-back',
  waiting: null,
  together: [],
  step: 'stop web-r2-1',
  stepNumber: 1,
  stepCount: 1,
  percent: null,
  why: 'A smoke test of the new version failed.',
  startedAtMs: NOW_MS - 5_000,
  endedAtMs: null,
};

const INSTANCE: InstanceStatus = {
  id: 'web-r1-1',
  version: 'v1',
  phase: 'running',
  ready: false,
  traffic: 'none',
  port: 20_000,
  pid: 1,
  upMs: 60_000,
  crashes: 2,
  inFlight: 0,
  streams: 0,
  requests: 1_000,
  p99Ms: null,
  trouble: 'dependency database: refused',
};

test('the status tells what serves, what is wrong and what is under way', () => {
  const status: StatusResponse = {
    project: 'shop',
    environment: null,
    control: { pid: 1, version: '0', startedAtMs: NOW_MS - 60_000, fence: 1 },
    gateway: { up: false, pid: null, routing: null, workers: [], certificates: [], countryFile: null },
    trouble: null,
    services: [
      {
        name: 'web',
        kind: 'web',
        listen: 'http://localhost:8080',
        stable: 'v1',
        previous: null,
        wanted: 1,
        holding: 3,
        instances: [INSTANCE, { ...INSTANCE, id: 'web-r0-1', phase: 'stopped' }],
        release: SUMMARY,
        standing: null,
        last: null,
      },
    ],
  };
  const text = renderStatus(status, NOW_MS, plainPaint).join('\n');
  assert.match(text, /gateway does not answer/);
  assert.match(text, /v1 serves, 0 of 1 ready, 3 requests wait/);
  assert.match(text, /web-r1-1 +v1 +not ready +- +20000 +1m /);
  assert.doesNotMatch(text, /web-r0-1/);
  assert.match(text, /! web-r1-1: dependency database: refused/);
  assert.match(text, /r2 going back for 5s: deploy v1 -> v2, step 1 of 1: stop web-r2-1/);
  const [service] = status.services;
  assert.ok(service);
  const standing: Standing = {
    ...{ verdict: 'not-enough-evidence', text: 'holds: 12 of about 300 requests', perSecond: null },
    evidence: { guard: 'errors', log: 1, neededLog: 3, part: 1 / 3 },
    ...{ requests: 12, missingRequests: 288, missingMs: null, holds: ['errors'] },
  };
  const judged = { ...status, services: [{ ...service, standing }] };
  assert.match(
    renderStatus(judged, NOW_MS, plainPaint).join('\n'),
    /^ {2}judge: holds: 12 of about 300 requests; evidence 33%$/m,
  );
  const shared = { ...status, services: [{ ...service, release: { ...SUMMARY, percent: 30 } }] };
  assert.match(renderStatus(shared, NOW_MS, plainPaint).join('\n'), /v1 -> v2, 30% to v2, step 1 of 1/);
});

test('releases are listed with what became of them', () => {
  const ended = { ...SUMMARY, state: 'rolled-back', endedAtMs: NOW_MS } as const;
  const [head, row] = renderReleases([ended], NOW_MS, plainPaint);
  assert.match(head ?? '', /^RELEASE +SERVICE +KIND/);
  assert.match(row ?? '', /r2 +web +deploy +v1 -> v2 +rolling +rolled back +2026-01-02 .* 5s +somebody$/);
  assert.deepEqual(renderReleases([], NOW_MS, plainPaint), [
    'No release yet. The first one: segue deploy SERVICE',
  ]);
});
