/**
 * Hunts certificates that never come, come without need, are not renewed, or whose failure costs traffic or is
 * kept quiet. The authority is a real one (pebble), which turns valid nonces away now and then on purpose.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import tls from 'node:tls';
import { eventually } from '../contract/eventually.ts';
import { assertEnded } from '../support/outcome.ts';
import { hasPebble, type Pebble, startPebble } from '../support/pebble.ts';
import { somePort } from '../contract/some-port.ts';
import { TestProject } from '../support/test-project.ts';

const skip = hasPebble() ? false : 'pebble or openssl is not installed';
/** Renewed after two thirds of it. */
const VALIDITY_S = 24;

describe('certificates by ACME', { skip }, () => {
  let dir: string;
  let pebble: Pebble;
  let project: TestProject;
  let plain: number;
  before(async () => {
    dir = await mkdtemp(path.join(os.tmpdir(), 'segue-acme-'));
    plain = await somePort();
    pebble = await startPebble(dir, plain, VALIDITY_S);
    project = await TestProject.create();
    await write('shop.test');
    await project.up({ env: { NODE_EXTRA_CA_CERTS: pebble.ca } });
    await project.build('v1');
    assertEnded(await project.deploy('v1'), 'done');
  });
  after(async () => {
    await project.remove();
    await pebble.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const write = (...hosts: string[]) =>
    project.writeFile({
      traffic: `, tls: true, routes: [${hosts.map((host) => `{ host: ${host} }`).join(', ')}]`,
      top: `gateway: { acme: { email: ops@shop.test, directory: "${pebble.directory}" }, redirect: "127.0.0.1:${plain}" }`,
    });

  /** The serial number of the certificate that is shown for a host, once a request over it was answered. */
  const serialFor = async (host: string): Promise<string | null> => {
    const socket = tls.connect({
      port: project.port,
      host: '127.0.0.1',
      servername: host,
      rejectUnauthorized: false,
    });
    const failed = once(socket, 'error').then(() => null);
    const shaken = await Promise.race([once(socket, 'secureConnect'), failed]).catch(() => null);
    if (shaken === null) return null;
    const { serialNumber, subjectaltname } = socket.getPeerCertificate();
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    const [answer] = await once(socket, 'data');
    socket.destroy();
    assert.match(String(answer), /^HTTP\/1\.1 200 /);
    return subjectaltname === `DNS:${host}` ? serialNumber : null;
  };

  it('come, are kept for their owner alone, and are renewed while they serve', async () => {
    const first = await eventually('a certificate came', () => serialFor('shop.test'));
    const kept = path.join(project.root, '.segue/certificates');
    const [folder] = await readdir(kept);
    assert.ok(folder);
    for (const file of ['account.key', 'shop.test.key', 'shop.test.pem'])
      assert.equal((await stat(path.join(kept, folder, file))).mode & 0o777, 0o600);
    const status = await project.status();
    const state = status.gateway.certificates.find(({ hosts }) => hosts.includes('shop.test'));
    assert.equal(state?.trouble, null);
    let second: string | null = first;
    const untilMs = Date.now() + 90_000;
    while (second === first && Date.now() < untilMs) {
      second = await serialFor('shop.test');
      assert.ok(second, 'there was one all along');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.notEqual(second, first);
  });

  it('that cannot be had are told of, and the others serve on', async () => {
    await pebble.stop();
    await write('shop.test', 'more.test');
    await project.api('POST', '/v1/apply', { by: 'test' });
    const told = await eventually('it is told of', async () =>
      (await project.status()).gateway.certificates.find(({ trouble }) => trouble?.startsWith('more.test')),
    );
    assert.match(told.trouble ?? '', /more\.test: .*; tried again 1m later/);
    assert.ok(await serialFor('shop.test'));
  });
});
