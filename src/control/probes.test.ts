/** Hunts checks that ask the wrong address: another host, a missing port, an IPv6 address without brackets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SmokeTest } from '../core/project.ts';
import { probeOfCheck, probeOfSmokeTest, type ProbeTarget } from './probes.ts';

const target: ProbeTarget = {
  host: '127.0.0.1',
  port: 20_001,
  hostHeader: null,
  dir: '/files',
  env: () => ({ A: '1' }),
};

const urlOf = (probe: ReturnType<typeof probeOfCheck>) => (probe.type === 'http' ? probe.url : probe.type);

test('a path is asked on the instance itself, a whole address where it says', () => {
  assert.equal(urlOf(probeOfCheck({ type: 'path', path: '/ready' }, target)), 'http://127.0.0.1:20001/ready');
  assert.equal(
    urlOf(probeOfCheck({ type: 'path', path: '/' }, { ...target, host: '::1' })),
    'http://[::1]:20001/',
  );
  assert.equal(
    urlOf(probeOfCheck({ type: 'http', url: 'http://db:9000/health' }, target)),
    'http://db:9000/health',
  );
});

test('tcp without host or port means the instance', () => {
  const own = { type: 'tcp', host: '127.0.0.1', port: 20_001 };
  assert.deepEqual(probeOfCheck({ type: 'tcp', host: null, port: null }, target), own);
  assert.deepEqual(probeOfCheck({ type: 'tcp', host: 'db', port: 5432 }, target), {
    type: 'tcp',
    host: 'db',
    port: 5432,
  });
});

test('a command runs in the version with the environment of the instance, looked up when it runs', () => {
  const command = ['node', 'check.js'];
  assert.deepEqual(probeOfCheck({ type: 'command', command }, target), {
    type: 'command',
    command,
    dir: '/files',
    env: { A: '1' },
  });
  const missing = () => {
    throw new Error('not set');
  };
  assert.doesNotThrow(() => probeOfCheck({ type: 'path', path: '/' }, { ...target, env: missing }));
  assert.throws(() => probeOfCheck({ type: 'command', command }, { ...target, env: missing }), /not set/);
});

test('a smoke test is sent with the public host, unless it names its own', () => {
  const expect = { status: 200, contains: null, headers: {} };
  const get: SmokeTest = {
    type: 'http',
    method: 'GET',
    path: '/',
    headers: {},
    body: null,
    expect,
    timeoutMs: 1_000,
  };
  const open = { ...target, hostHeader: 'shop.example.com' };
  const hostIn = (test_: SmokeTest, where: ProbeTarget) => {
    const probe = probeOfSmokeTest(test_, where);
    return probe.type === 'http' ? probe.headers['host'] : 'no request';
  };
  assert.equal(hostIn(get, target), undefined);
  assert.equal(hostIn(get, open), 'shop.example.com');
  assert.equal(hostIn({ ...get, headers: { host: 'other.example.com' } }, open), 'other.example.com');
});

test('a smoke command knows the address that it is to test', () => {
  const probe = probeOfSmokeTest({ type: 'command', command: 'node smoke.js', timeoutMs: 1_000 }, target);
  assert.deepEqual(probe.type === 'command' && probe.env, { A: '1', SEGUE_URL: 'http://127.0.0.1:20001' });
});
