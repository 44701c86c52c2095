/**
 * Hunts counts of a roll-out that a judge would be wrong with: requests whom a rule gave the variant, or whom nothing
 * names, among those who are shared out; two shares or two versions in one row; and failures that nobody can tell by
 * user and variant.
 */
import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import type { EdgeRouting } from '../../src/core/flags/edge.ts';
import type { FlagDefinition } from '../../src/core/flags/definition.ts';
import { FlagSet } from '../../src/core/flags/flag-set.ts';
import { markOf, type Shared, sharedOut } from '../../src/core/flags/share.ts';
import type { FailureEvent } from '../../src/core/traffic/counts.ts';
import { countKeys } from '../../src/core/traffic/key-sketch.ts';
import { eventually } from '../contract/eventually.ts';
import { backendOf, startApp, startGateway } from './gateway-harness.ts';

const FLAG: FlagDefinition = {
  ...{ state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'off', metadata: {} },
  targeting: { if: [{ '==': [{ var: 'path' }, '/staff'] }, 'on', 'off'] },
};

function edgeOf(percent: number, release = 'r7'): EdgeRouting {
  const by: Shared = { to: 'on', from: 'off', percent };
  const [definition, mark] = [sharedOut(FLAG, by), markOf(FLAG, by)];
  assert.ok(definition && mark);
  return {
    key: { type: 'header', name: 'x-user' },
    flags: ['checkout'],
    definitions: { checkout: definition },
    shares: { checkout: { release, to: 'on', percent, mark } },
  };
}

const USERS = Array.from({ length: 60 }, (_, user) => `user-${user}`);
const variantAt = (percent: number, targetingKey: string) =>
  new FlagSet(edgeOf(percent).definitions).evaluate('checkout', { targetingKey, path: '/' }, 0).variant;

function ask(port: number, path: string, user?: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = user === undefined ? {} : { 'x-user': user };
    const request = http.get({ port, host: '127.0.0.1', path, headers, agent: false }, (response) => {
      response.resume().once('end', resolve);
    });
    request.once('error', reject);
  });
}

test('who is shared out is counted by share, version and user, and nobody else is', async (t) => {
  const gateway = await startGateway(t, { stickyKey: 'a key of a test', workers: 1 });
  const failures: FailureEvent[] = [];
  gateway.plane.onReport((report) => failures.push(...report.failures));
  const app = await startApp(t, 'a', (request, response) => {
    request.resume();
    response.writeHead(request.url === '/fails' ? 500 : 200).end('x');
  });
  const at = (version: string) => [{ ...backendOf(app), version }];
  const stages = [
    { percent: 10, version: 'v1' },
    { percent: 50, version: 'v1' },
    { percent: 50, version: 'v2' },
  ];
  for (const { percent, version } of stages) {
    await gateway.route({ backends: at(version), flags: edgeOf(percent) });
    for (const user of USERS) {
      await ask(gateway.port, '/', user);
      await ask(gateway.port, '/', user);
      await ask(gateway.port, '/staff', user);
    }
    await ask(gateway.port, '/');
  }
  await ask(gateway.port, '/fails', 'user-0');
  await ask(gateway.port, '/fails');

  const rows = () => gateway.plane.report()?.flags ?? [];
  const requests = (variant: string, percent: number | null, version = 'v1') => {
    const own = rows().filter(
      (row) =>
        row.variant === variant &&
        (percent === null ? !row.share : row.share?.percent === percent && row.share.version === version),
    );
    const [row] = own;
    const answered = row?.answered.reduce((sum, count) => sum + count, 0) ?? 0;
    return { rows: own.length, answered, users: countKeys(row?.keys) };
  };
  const asked = stages.length * (3 * USERS.length + 1) + 2;
  await eventually('all of them are counted', () => {
    const all = rows().flatMap(({ answered }) => [...answered]);
    return all.reduce((sum, count) => sum + count, 0) === asked;
  });
  for (const { percent, version } of stages) {
    const on = USERS.filter((user) => variantAt(percent, user) === 'on').length;
    const off = USERS.length - on;
    assert.ok(on > 0 && off > 0);
    const late = version === 'v2' ? 1 : 0;
    const [isOn, isOff] = variantAt(percent, 'user-0') === 'on' ? [late, 0] : [0, late];
    assert.deepEqual(requests('on', percent, version), { rows: 1, answered: 2 * on + isOn, users: on });
    assert.deepEqual(requests('off', 100 - percent, version), {
      ...{ rows: 1, answered: 2 * off + isOff, users: off },
    });
  }
  // Of the rule, and of whom nothing names.
  assert.deepEqual(requests('on', null), { rows: 1, answered: 3 * USERS.length, users: 0 });
  assert.deepEqual(requests('off', null), { rows: 1, answered: 4, users: 0 });

  await eventually('both failures are told', () => failures.length === 2);
  const [named, unnamed] = failures;
  const variant = variantAt(50, 'user-0');
  assert.deepEqual(named?.shared?.flags, [{ release: 'r7', flag: 'checkout', variant, percent: 50 }]);
  assert.match(named.shared.visitor, /^\w+$/);
  assert.equal(unnamed?.shared, undefined);
});

test('nobody is shared out at a version without the code, whoever it is', async (t) => {
  const gateway = await startGateway(t, { stickyKey: 'a key of a test', workers: 1 });
  const told: string[] = [];
  const app = await startApp(t, 'a', (request, response) => {
    request.resume();
    const [payload = ''] = String(request.headers['segue-flags']).split('.');
    told.push(Buffer.from(payload, 'base64url').toString());
    response.writeHead(500).end('x');
  });
  const failures: FailureEvent[] = [];
  gateway.plane.onReport((report) => failures.push(...report.failures));
  const flags: EdgeRouting = { ...edgeOf(50), without: { v1: { checkout: 'off' } } };
  await gateway.route({ backends: [{ ...backendOf(app), version: 'v1' }], flags });
  for (const user of USERS) await ask(gateway.port, '/', user);
  await eventually('all failures are told', () => failures.length === USERS.length);
  assert.deepEqual(
    failures.flatMap(({ shared }) => shared ?? []),
    [],
  );
  assert.equal(told.filter((each) => each.includes('"variant":"off"')).length, USERS.length);
  const rows = gateway.plane.report()?.flags ?? [];
  assert.deepEqual(
    rows.map(({ variant, share, keys }) => [variant, share, keys]),
    [['off', undefined, undefined]],
  );
});
