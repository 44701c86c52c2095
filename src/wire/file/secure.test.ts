/** Hunts a file whose TLS could never work, and passes for valid. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatProblem } from './problem.ts';
import { parseProjectFile } from './parse.ts';
import { webIn } from '../../../test/support/service-spec.ts';

const CERTIFICATES = 'certificates: [{ certificate: a.pem, key: a.key }]';

const file = (web: string, gateway: string, api = '{ listen: 8081 }') => `
project: shop
services:
  web:
    run: node web.js
    traffic: ${web}
  api:
    run: node api.js
    traffic: ${api}
gateway: { ${gateway} }
`;

function problems(text: string): string[] {
  const result = parseProjectFile(text, 'segue.yaml', null);
  return result.ok ? [] : result.problems.map(formatProblem);
}

test('TLS with a certificate and a redirect is taken', () => {
  const text = file(
    '{ listen: 8443, tls: { hsts: 180d }, protocol: h2c }',
    `${CERTIFICATES}, redirect: 8080`,
  );
  const result = parseProjectFile(text, 'segue.yaml', null);
  assert.ok(result.ok);
  const { traffic } = webIn(result.project.services);
  assert.deepEqual(traffic.tls, { hstsMs: 180 * 86_400_000 });
  assert.equal(traffic.protocol, 'h2c');
  assert.deepEqual(result.project.gateway.redirect, { host: '', port: 8080 });
  assert.deepEqual(result.project.gateway.certificates, [{ certificate: 'a.pem', key: 'a.key' }]);
});

test('the redirect may share the address of a plain service', () => {
  assert.deepEqual(problems(file('{ listen: 8443, tls: true }', `${CERTIFICATES}, redirect: 8081`)), []);
});

test('what could not work is refused at its place', () => {
  const none = problems(file('{ listen: 8443, tls: true }', 'trust: []'));
  assert.match(none.join('\n'), /^segue\.yaml:6:\d+: services\.web\.traffic\.tls: there is no certificate/);
  const half = problems(
    file('{ listen: 8443, tls: true }', CERTIFICATES, '{ listen: 8443, routes: [{ path: /api }] }'),
  );
  assert.match(half.join('\n'), /web has tls and api has not/);
  const taken = problems(file('{ listen: 8443, tls: true }', `${CERTIFICATES}, redirect: 8443`));
  assert.match(taken.join('\n'), /gateway\.redirect: port 8443 is taken by web/);
  const deaf = problems(file('{ listen: 8443, tls: true }', 'acme: { email: ops@example.com }'));
  assert.match(deaf.join('\n'), /gateway\.acme: the authority asks on port 80; expected gateway\.redirect/);
  assert.deepEqual(problems(file('{ listen: 8443, tls: true }', 'acme: {}, redirect: 8080')), []);
});
