/**
 * Hunts metrics that both sides share and that are compared all the same, secrets in the file, probes that change
 * something unasked, and numbers that mean something else than they say.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type * as z from 'zod';
import { metrics } from './metrics.ts';
import { parseProjectFile } from './parse.ts';
import { probes } from './probes.ts';
import { saturation } from './saturation.ts';

/** The first problem, the one below all forms that a value can have. */
const first = (schema: z.ZodType, value: unknown): string => {
  const said = (issue: z.core.$ZodIssue, path: readonly PropertyKey[] = []): string => {
    const whole = [...path, ...issue.path];
    const below = issue.code === 'invalid_union' ? issue.errors.flat() : [];
    const deepest = below.toSorted((a, b) => b.path.length - a.path.length)[0];
    if (deepest && deepest.path.length > 0) return said(deepest, whole);
    return `${whole.map(String).join('.')}: ${issue.message}`;
  };
  const issue = schema.safeParse(value).error?.issues[0];
  return issue ? said(issue) : 'right';
};

describe('metrics', () => {
  const prometheus = { prometheus: 'http://127.0.0.1:9090', query: 'sum(rate(a{v="{{version}}"}[2m]))' };
  const json = { json: 'http://127.0.0.1/stats?v={{version}}', value: 'items.0.errors' };
  const said = (change: object) => first(metrics, { m: { ...prometheus, ...change } });

  test('mean what they say', () => {
    assert.deepEqual(metrics.parse({ m: { ...prometheus, max: 0.05 } }), {
      m: {
        origin: { type: 'prometheus', url: prometheus.prometheus, query: prometheus.query, headers: {} },
        ...{ everyMs: 15_000, timeoutMs: 5_000, overMs: 120_000 },
        rule: { type: 'bound', min: null, max: 0.05, readings: 3 },
      },
    });
    assert.deepEqual(metrics.parse({ m: { ...json, compare: {}, every: '1s', over: '30s' } })['m'], {
      origin: { type: 'json', url: json.json, value: ['items', '0', 'errors'], headers: {} },
      ...{ everyMs: 1_000, timeoutMs: 5_000, overMs: 30_000 },
      rule: { type: 'compare', tolerate: 1.2, worse: 'higher', negligible: 0 },
    });
    assert.deepEqual(metrics.parse({ m: { ...json, watch: true } })['m']?.rule, { type: 'watch' });
  });

  test('need one source and one rule', () => {
    assert.equal(said({}), 'm: exactly one of max and min, compare, and watch');
    assert.equal(said({ max: 1, watch: true }), 'm: exactly one of max and min, compare, and watch');
    assert.equal(said({ ...json, max: 1 }), 'm: prometheus with query, or json with value');
    assert.equal(said({ query: undefined, max: 1 }), 'm: prometheus with query, or json with value');
    assert.equal(said({ max: 1, min: 2 }), 'm.min: a min that is not above max');
    assert.match(first(metrics, { 'a b': { ...json, max: 1 } }), /^a b: /);
  });

  test('know what can be filled in, and what a comparison needs', () => {
    assert.match(said({ query: 'a{v="{{verison}}"}', max: 1 }), /^m.query: nothing but .* not verison$/);
    assert.match(
      said({ query: 'a{s="{{service}}"}', compare: {} }),
      /^m.query: .* both sides would be the same$/,
    );
    assert.equal(said({ query: 'a{i=~"{{instances}}"}', compare: {} }), 'right');
    assert.match(said({ compare: { tolerate: '0.9x' } }), /^m.compare.tolerate: .*at least 1x$/);
  });

  test('keep secrets out of the file', () => {
    assert.match(said({ max: 1, headers: { Authorization: 'Bearer x' } }), /^m.headers: env:NAME/);
    assert.equal(said({ max: 1, headers: { Authorization: 'env:TOKEN', 'X-Scope-OrgID': 'shop' } }), 'right');
    assert.match(
      said({ max: 1, prometheus: 'http://u:p@127.0.0.1:9090' }),
      /^m.prometheus: .*without a password/,
    );
  });
});

test('saturation has defaults, parts that can be off, and can be off as a whole', () => {
  assert.deepEqual(saturation.parse({}), {
    ...{ everyMs: 10_000, warmupMs: 60_000, cpu: 2, memory: 2 },
    ...{ memoryMaxBytes: null, growthBytesPerHour: null, restarts: 2, delay: 3 },
  });
  const whole = {
    cpu: 'off',
    memory: '1.5x',
    memoryMax: '512MB',
    growth: '50MB/h',
    restarts: 0,
    delay: 'off',
  };
  assert.deepEqual(saturation.parse(whole), {
    ...{ everyMs: 10_000, warmupMs: 60_000, cpu: null, memory: 1.5 },
    ...{ memoryMaxBytes: 512 * 1024 ** 2, growthBytesPerHour: 50 * 1024 ** 2, restarts: 0, delay: null },
  });
  assert.equal(saturation.parse('off'), null);
  assert.match(first(saturation, { growth: '50MB' }), /a growth such as 50MB\/h, or off$/);
  assert.match(first(saturation, { cpu: '0.5x' }), /at least 1x|how many times/);
  assert.match(first(saturation, 'on'), /off, or \{ cpu, memory, ... \}/);
});

test('probes are harmless unless the file says that they may not be', () => {
  const parsed = probes.parse({ requests: [{ get: '/' }, { head: '/x' }] });
  assert.deepEqual([parsed.perSecond, parsed.promote, parsed.requests.length], [5, false, 2]);
  assert.match(first(probes, { requests: [{ post: '/' }] }), /^requests: GET and HEAD only/);
  assert.equal(first(probes, { requests: [{ post: '/' }], unsafe: true }), 'right');
  assert.match(first(probes, { requests: [{ command: 'x' }] }), /^requests: HTTP requests only/);
  assert.match(first(probes, { requests: [] }), /^requests: /);
  assert.match(first(probes, { requests: [{ get: '/' }], perSecond: 51 }), /^perSecond: .*at most 50$/);
  assert.match(first(probes, { requests: [{ get: '/' }], perSecond: 0 }), /^perSecond: /);
});

test('probes are not sent to instances that would not understand them', () => {
  const file = (protocol: string) => `project: p
services:
  web:
    run: node x
    traffic: { listen: 80, protocol: ${protocol} }
    judge: { probes: { requests: [{ get: / }] } }
`;
  assert.equal(parseProjectFile(file('http1'), 'segue.yaml', null).ok, true);
  const refused = parseProjectFile(file('h2c'), 'segue.yaml', null);
  assert.ok(!refused.ok);
  assert.match(refused.problems[0]?.message ?? '', /probes are HTTP\/1.1, but web speaks h2c/);
});
