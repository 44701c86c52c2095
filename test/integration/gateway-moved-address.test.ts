/**
 * Hunts workers that keep an address which the routing gave up: after the next upgrade the new master took them for
 * strangers with a socket that it lacks, two of them started masters of their own, and whoever was connected to
 * the one that control did not know got an old routing.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../contract/eventually.ts';
import { somePort } from '../contract/some-port.ts';
import { processesUnder } from '../support/processes.ts';
import { assertClean, steadyLoad } from '../support/steady-load.ts';
import { backendOf, GATEWAY_MAIN, startApp, startGateway } from './gateway-harness.ts';

test('a service moves from one address to another and back, with upgrades between: one master, nothing lost', async (t) => {
  const gateway = await startGateway(t, { workers: 2 });
  const [web, quiet] = [await startApp(t, 'web'), await startApp(t, 'quiet')].map(backendOf);
  assert.ok(web && quiet);
  const ports = [await somePort(), await somePort()];
  const masters = async () =>
    (await processesUnder(gateway.root)).filter(
      ({ commandLine }) => commandLine.includes(GATEWAY_MAIN) && !commandLine.includes('--master'),
    ).length;
  const routeTo = (port = 0) =>
    gateway.route(
      { backends: [web] },
      { service: 'quiet', listen: { host: '127.0.0.1', port }, backends: [quiet] },
    );
  await routeTo(ports[0]);
  const load = steadyLoad(t, gateway.port);
  await eventually('load is on', () => load.stats().answered > 20);
  for (const port of [ports[1], ports[0], ports[1]]) {
    assert.deepEqual((await routeTo(port)).failed, []);
    assert.equal(await gateway.plane.upgrade(true), true);
    const { answered } = load.stats();
    await eventually('it goes on', () => load.stats().answered > answered + 20);
    await eventually('the old ones are gone', () => gateway.plane.workers.length === 2);
    assert.equal(await masters(), 1);
  }
  await assertClean(load);
});
