/**
 * Hunts counts of flags at the edge that are lost or counted twice when control or the gateway is killed: of two flags
 * and of each variant, exactly as many as there were requests.
 */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '../../src/core/limits.ts';
import type { FlagsResponse } from '../../src/wire/flag-api.ts';
import { TestProject } from '../support/test-project.ts';

const FLAGS = `flags:
  checkout: { state: ENABLED, variants: { on: true, off: false }, defaultVariant: off, targeting: { if: [{ in: [anna, { var: targetingKey }] }, on] } }
  theme: { state: ENABLED, variants: { light: light, dark: dark }, defaultVariant: light, targeting: { if: [{ in: [anna, { var: targetingKey }] }, dark] } }
`;

let project: TestProject;
const workersNow = async () => (await project.status()).gateway.workers;

before(async () => {
  const traffic = ', flags: { evaluate: [checkout, theme], key: { header: x-user } }';
  const top = 'gateway: { workers: 2 }';
  project = await TestProject.create({ instances: 1, traffic, top });
  await mkdir(path.join(project.root, 'flags'));
  await writeFile(path.join(project.root, 'flags/shop.flagd.yaml'), FLAGS);
  await project.build('v1');
  await project.up();
  await project.deploy('v1');
});
after(() => project.remove());

/** Two for whom both flags are something else; how many of each there were, all time. */
const asked = { anna: 0, bert: 0 };

async function ask(user: keyof typeof asked): Promise<void> {
  const { status } = await fetch(`http://127.0.0.1:${project.port}/`, { headers: { 'x-user': user } });
  assert.equal(status, 200);
  asked[user] += 1;
}

async function visit(times: number): Promise<void> {
  for (let i = 0; i < times; i += 1) for (const user of ['anna', 'bert', 'bert'] as const) await ask(user);
}

async function counted(): Promise<Readonly<Record<string, unknown>>> {
  const { flags } = await project.api<FlagsResponse>('GET', '/v1/flags');
  return Object.fromEntries(flags.map(({ flag, usage }) => [flag, usage?.variants ?? {}]));
}

async function assertExact(when: string): Promise<void> {
  const isExact = async () => {
    const { checkout, theme } = (await counted()) as Record<string, Record<string, number>>;
    const all = [checkout?.['on'], checkout?.['off'], theme?.['dark'], theme?.['light']];
    return JSON.stringify(all) === JSON.stringify([asked.anna, asked.bert, asked.anna, asked.bert]);
  };
  assert.ok(await project.eventually(isExact), `${when}: ${JSON.stringify([asked, await counted()])}`);
}

async function killGateway(what: string, withWorkers: boolean): Promise<void> {
  const { pid, workers } = (await project.status()).gateway;
  assert.ok(pid !== null && workers.length > 0, what);
  // The master first: it would replace them.
  process.kill(pid, 'SIGKILL');
  if (withWorkers) for (const worker of workers) process.kill(worker.pid, 'SIGKILL');
  const isBack = async () => {
    const { gateway } = await project.status();
    return gateway.up && gateway.pid !== pid;
  };
  assert.ok(await project.eventually(isBack), `${what}: another one`);
  assert.ok(await project.eventually(() => ask('anna').then(() => true)), what);
}

it('are exact whoever is killed', async () => {
  await visit(5);
  await assertExact('at the beginning');
  await project.killControl();
  await visit(4);
  await project.up();
  await assertExact('after control was killed before it had written anything down');
  await visit(3);
  await assertExact('by the one that came after it');

  await project.api('POST', '/v1/down', { by: 'test', instances: false });
  await project.killControl();
  await visit(2);
  await project.up();
  await assertExact('after control had ended and written everything down');
  await visit(3);
  await assertExact('and went on');
  await project.killControl();
  await visit(2);
  await project.up();
  await assertExact('after a part of it was written down');

  await killGateway('the gateway alone', false);
  await visit(2);
  await assertExact('after the gateway was killed and its workers went on');
  await killGateway('all of it', true);
  await visit(2);
  await assertExact('after a gateway that begins with nothing');
  await project.killControl();
  await visit(1);
  await project.up();
  await assertExact('and control after it');
});

it('are exact when control and the master are gone at once, and a worker with them that is being replaced', async () => {
  assert.ok(await project.eventually(async () => (await workersNow()).length === 2));
  await visit(10);
  await assertExact('of both workers');
  // What nobody has written down is lost with all who knew it: control, the worker that counted it, and its master.
  await sleep(limits.flags.usageIntervalMs + 5_000);
  const [{ gateway }, [victim, survivor]] = [await project.status(), await workersNow()];
  assert.ok(gateway.pid !== null && victim && survivor);
  await project.killControl();
  process.kill(victim.pid, 'SIGKILL');
  process.kill(gateway.pid, 'SIGKILL');
  // A kept connection may have been to the one that is gone.
  assert.ok(await project.eventually(() => ask('anna').then(() => true)));
  await visit(5);
  await project.up();
  assert.ok(
    await project.eventually(async () => (await workersNow()).some(({ pid }) => pid === survivor.pid)),
  );
  await visit(5);
  await assertExact('by the one that outlived its master and the two that began anew');
  await project.killControl();
  await visit(2);
  await project.up();
  await assertExact('and by the control after that');
});
