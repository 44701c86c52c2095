/** Hunts a host that never gets its certificate, one that is asked for without need, and a renewal that comes too late. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '../limits.ts';
import { acmeDelayMs, hostsToCertify, renewAtMs } from './acme.ts';
import type { CertificateState } from './certificates.ts';
import { serviceSpec } from '../../../test/support/service-spec.ts';

const withHosts = (tls: boolean, ...hosts: (string | null)[]) => {
  const { traffic } = serviceSpec();
  const routes = hosts.map((host) => ({ host, path: '/' }));
  return { traffic: { ...traffic, routes, tls: tls ? { hstsMs: null } : null } };
};

const state = (...hosts: string[]): CertificateState => ({
  certificate: 'a.pem',
  hosts,
  notAfterMs: 1,
  trouble: null,
});

test('hosts with TLS and without a certificate, each once', () => {
  const services = [
    withHosts(true, 'a.test', 'b.test', '*.c.test', null),
    withHosts(true, 'a.test', 'x.d.test'),
  ];
  assert.deepEqual(hostsToCertify(services, [state('b.test')]), ['a.test', 'x.d.test']);
  assert.deepEqual(hostsToCertify(services, [state('*.d.test', 'a.test')]), ['b.test']);
  assert.deepEqual(hostsToCertify([withHosts(false, 'a.test')], []), []);
});

test('a certificate is renewed within its life, and long before its end', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 3, max: 1e12 }), (from, life) => {
      const at = renewAtMs(from, from + life);
      assert.ok(at > from && at < from + life - life / 4);
    }),
  );
});

test('tries are ever further apart, up to a limit', () => {
  const delays = [1, 2, 3, 4, 5, 6, 7, 8].map(acmeDelayMs);
  assert.deepEqual(
    delays,
    delays.toSorted((a, b) => a - b),
  );
  assert.equal(delays[0], limits.acme.retryFirstMs);
  assert.equal(delays.at(-1), limits.acme.retryMaxMs);
});
