/**
 * Hunts a client in the wrong country, one that names its own country, a torn file that takes the country from
 * everybody, and a file that is wrong and nobody is told.
 */
import assert from 'node:assert/strict';
import { appendFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { ServiceRouting } from '../../src/core/traffic/routing.ts';
import { eventually } from '../contract/eventually.ts';
import { cli } from '../support/cli.ts';
import { mmdb } from '../support/mmdb.ts';
import { refused } from '../support/refused.ts';
import { TestProject } from '../support/test-project.ts';
import { ask, backendOf, startApp, startGateway, textOf } from './gateway-harness.ts';

const OLD = mmdb({ '81.2.69.0/24': 'GB', '2001:218::/32': 'JP' });
const NEW = mmdb({ '81.2.69.0/24': 'FR', '2001:218::/32': 'JP' });

test('rules find the country of the client in a file, and the next file is taken while it serves', async (t) => {
  const gateway = await startGateway(t, { countryFile: 'country.mmdb', geo: { header: 'cf-ipcountry' } });
  const file = path.join(gateway.root, 'country.mmdb');
  await writeFile(file, OLD);
  const [web, next] = [await startApp(t, 'web'), { ...(await startApp(t, 'next')), version: 'v2' }];
  const rules: ServiceRouting['rules'] = [
    { name: 'here', match: { type: 'country', countries: ['GB', 'JP'] }, percent: 100, group: 'candidate' },
  ];
  await gateway.route({
    backends: [backendOf(web), backendOf(next)],
    split: [
      { group: 'stable', percent: 100, version: 'v1', backends: ['web'] },
      { group: 'candidate', percent: 0, version: 'v2', backends: ['next'] },
    ],
    rules,
  });
  // The clients of this test are on this machine, whose word on others counts.
  const from = (address: string, headers = {}) =>
    textOf(ask(gateway.port, { headers: { 'x-forwarded-for': address, ...headers } }));
  assert.equal(await from('81.2.69.142'), 'next');
  assert.equal(await from('::ffff:81.2.69.142'), 'next');
  assert.equal(await from('2001:218::7'), 'next');
  assert.equal(await from('10.0.0.1'), 'web');
  assert.equal(await from('8.8.8.8'), 'web');
  assert.equal(await from('81.2.69.142', { 'cf-ipcountry': 'DE' }), 'web');

  const trouble = () => gateway.plane.report()?.countryFile?.trouble ?? null;
  assert.equal(trouble(), null);
  await writeFile(file, NEW.subarray(0, NEW.length / 2));
  await eventually(
    'the torn file is refused',
    () => trouble()?.includes("no file in MaxMind's format") === true,
  );
  assert.equal(await from('81.2.69.142'), 'next');
  await rm(file);
  await eventually('it is gone', () => trouble()?.includes('ENOENT') === true);
  assert.equal(await from('81.2.69.142'), 'next');
  await writeFile(`${file}.new`, NEW);
  await rename(`${file}.new`, file);
  await eventually('the new one is taken', async () => (await from('81.2.69.142')) === 'web');
  await eventually('and is no trouble', () => trouble() === null);
  assert.equal(await from('2001:218::7'), 'next');
});

test('a file that cannot be used is told of when it is named, and stops nobody', async (t) => {
  const project = await TestProject.create({ instances: 1 });
  t.after(() => project.remove());
  const file = path.join(project.root, 'country.mmdb');
  await writeFile(file, OLD);
  await project.up();
  await project.build('v1');
  await project.deploy('v1');
  await appendFile(path.join(project.root, 'segue.yaml'), 'gateway: { geo: { file: country.mmdb } }\n');
  await project.api('POST', '/v1/apply', { by: 'test' });
  assert.doesNotMatch((await cli(project.root, ['check'])).out, /country/);
  await writeFile(file, OLD.subarray(7));
  assert.match(
    (await cli(project.root, ['check'])).out,
    /warning: gateway: country\.mmdb cannot be used: node 0/,
  );
  await eventually('the gateway has seen it', async () =>
    /country file country\.mmdb cannot be used: node 0/.test((await cli(project.root, ['status'])).out),
  );
  const why = await refused('COUNTRY_FILE_REFUSED', project.api('POST', '/v1/apply', { by: 'test' }));
  assert.match(why, /country\.mmdb cannot be used/);
  assert.equal((await ask(project.port)).status, 200);
});
