/** Hunts a service in direct mode with something that only a proxy could do for it, and passes for valid. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseProjectFile } from './parse.ts';
import { formatProblem } from './problem.ts';
import { webIn } from '../../../test/support/service-spec.ts';

const file = (lines: string) => `project: shop
services:
  web:
    run: node server.js
    traffic:
      listen: 8080
      mode: direct
${lines}`;

function problemsOf(text: string): string[] {
  const result = parseProjectFile(text, 'segue.yaml', null);
  return result.ok ? [] : result.problems.map(formatProblem);
}

test('what direct mode can do is taken', () => {
  const strategy = '    strategy: { type: blue-green, bake: 1m }\n';
  const text = file(`      drain: { requests: 10s, streams: 5s }\n${strategy}`);
  const result = parseProjectFile(text, 'segue.yaml', null);
  assert.ok(result.ok);
  assert.equal(webIn(result.project.services).traffic.mode, 'direct');
});

test('without a word about it a service is behind the gateway', () => {
  const result = parseProjectFile(file('').replace('      mode: direct\n', ''), 'segue.yaml', null);
  assert.ok(result.ok);
  assert.equal(webIn(result.project.services).traffic.mode, 'gateway');
});

const needsGateway = (what: string) =>
  `${what} needs the gateway; with mode: direct no proxy is there to do it`;

test('each key that needs the gateway is named at its line, though its value be the default', () => {
  const text = file('      hold: 10s\n      routes: [{ path: / }]\n      ejection: false\n');
  assert.deepEqual(problemsOf(text), [
    `segue.yaml:8:13: services.web.traffic.hold: ${needsGateway('hold')}`,
    `segue.yaml:9:15: services.web.traffic.routes: ${needsGateway('routes')}`,
    `segue.yaml:10:17: services.web.traffic.ejection: ${needsGateway('ejection')}`,
  ]);
});

test('a preview is one of them', () => {
  const text = file('    strategy: { type: blue-green, preview: 2m }\n');
  assert.deepEqual(problemsOf(text), [
    `segue.yaml:8:44: services.web.strategy.preview: ${needsGateway('preview')}`,
  ]);
});

test('a handover is one of them', () => {
  assert.deepEqual(problemsOf(file('    strategy: handover\n')), [
    `segue.yaml:8:15: services.web.strategy: ${needsGateway('handover')}`,
  ]);
});

test('the address is one that can be bound without asking anybody, and nobody else has its port', () => {
  const other = '  api:\n    run: node api.js\n    traffic: { listen: 8080, routes: [{ path: /api }] }\n';
  assert.deepEqual(problemsOf(file(other)), [
    'segue.yaml:6:15: services.web.traffic.listen: mode: direct has its port to itself, and api listens on 8080, too',
  ]);
  assert.deepEqual(problemsOf(file('').replace('8080', '"localhost:8080"')), [
    'segue.yaml:6:15: services.web.traffic.listen: mode: direct needs an address in digits, such as 127.0.0.1:8080',
  ]);
});
