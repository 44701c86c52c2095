/**
 * Hunts a release that costs users of https a request, and a certificate that is wrong and nobody is told.
 */
import assert from 'node:assert/strict';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import https from 'node:https';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../contract/eventually.ts';
import { cli } from '../support/cli.ts';
import { makeCertificate } from '../support/certificates.ts';
import { hasOpenssl } from '../support/openssl.ts';
import { assertEnded } from '../support/outcome.ts';
import { refused } from '../support/refused.ts';
import { TestProject } from '../support/test-project.ts';

const skip = hasOpenssl() ? false : 'openssl is not installed';

describe('a project with TLS', { skip }, () => {
  let project: TestProject;
  let ca: Buffer;
  before(async () => {
    project = await TestProject.create({ instances: 2, traffic: ', tls: true' });
    const files = 'gateway: { certificates: [{ certificate: certs/one.pem, key: certs/one.key }] }\n';
    await appendFile(path.join(project.root, 'segue.yaml'), files);
    const made = await makeCertificate(path.join(project.root, 'certs'), 'one', {
      hosts: ['localhost'],
      days: 3,
    });
    ca = await readFile(made.certificate);
    await project.up();
    await project.build('v1');
    await project.build('v2');
    assertEnded(await project.deploy('v1'), 'done');
  });
  after(() => project.remove());

  const ask = (agent: https.Agent) =>
    new Promise<number>((resolve, reject) => {
      const options = { port: project.port, host: '127.0.0.1', servername: 'localhost', ca, agent };
      https
        .get(options, (answer) => answer.resume().once('end', () => resolve(answer.statusCode ?? 0)))
        .once('error', reject);
    });

  it('is released without a lost request, on connections that stay', async (t) => {
    const agent = new https.Agent({ keepAlive: true, maxSockets: 4 });
    t.after(() => agent.destroy());
    let going = true;
    const lane = async () => {
      const statuses: number[] = [];
      while (going) statuses.push(await ask(agent));
      return statuses;
    };
    const lanes = [lane(), lane(), lane(), lane()];
    assertEnded(await project.deploy('v2'), 'done');
    going = false;
    const statuses = (await Promise.all(lanes)).flat();
    assert.ok(statuses.length > 20);
    assert.deepEqual([...new Set(statuses)], [200]);
  });

  it('is told of a certificate that ends soon, and of one that cannot be used', async () => {
    const status = await cli(project.root, ['status']);
    assert.match(status.out, /web +https:\/\/127\.0\.0\.1:/);
    assert.match(status.out, /certificate certs\/one\.pem for localhost ends in \dd/);
    await writeFile(path.join(project.root, 'certs/one.key'), 'nothing');
    await eventually('the gateway has seen it', async () =>
      (await project.status()).gateway.certificates.some(({ trouble }) => trouble !== null),
    );
    const why = await refused('CERTIFICATE_REFUSED', project.api('POST', '/v1/apply', { by: 'test' }));
    assert.match(why, /certs\/one\.key is no private key/);
    assert.equal(await ask(new https.Agent()), 200);
  });
});
