/**
 * Hunts a segue.yaml that is wrong, huge or half saved and takes down what serves, or is refused without the
 * place and what was expected there; and an address to listen on that another program has.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { portOf } from '../contract/some-port.ts';
import { deployOf, refused, serving, serveV1, succeeds } from '../support/bad-input.ts';
import { endCli } from '../support/cli.ts';
import { TestProject } from '../support/test-project.ts';

after(endCli);

/** Nine times itself at every level. */
const BOMB = ['a: &a [x,x,x,x,x,x,x,x,x]', 'b: &b', 'c: &c', 'd: &d', 'e: &e', 'f: &f', 'g: &g', 'h: &h']
  .map((line, level) => (level === 0 ? line : `${line} [${`*${'abcdefg'[level - 1]},`.repeat(9)}]`))
  .join('\n')
  .concat('\n');

describe('segue.yaml, wrong while it serves', () => {
  let project: TestProject;
  let good = '';
  before(async () => {
    project = await TestProject.create();
    await serveV1(project);
    await project.build('v2');
    good = await readFile(path.join(project.root, 'segue.yaml'), 'utf8');
  });
  after(() => project.remove());

  const write = (text: string) => writeFile(path.join(project.root, 'segue.yaml'), text);
  const bad: Readonly<Record<string, readonly [text: () => string, says: RegExp]>> = {
    'an unknown key': [
      () => good.replace('instances:', 'instnaces:'),
      /^error FILE_INVALID[\s\S]*segue\.yaml:5:5: services\.web\.instnaces: unknown key; did you mean instances\?/m,
    ],
    'YAML that does not end': [
      () => good.replace(/readiness: \{.*$/m, 'readiness: { path: /ready'),
      /^error FILE_INVALID[\s\S]*segue\.yaml:\d+:\d+: /m,
    ],
    'a wrong value': [
      () => good.replace('instances: 2', 'instances: many'),
      /segue\.yaml:5:16: services\.web\.instances: expected a whole number from 1 to 200, got "many"/,
    ],
    'nothing at all': [() => '', /^error FILE_INVALID[\s\S]*segue\.yaml:1:1: /m],
    'more than a file may be': [
      () => `${good}# ${'x'.repeat(1024 * 1024)}\n`,
      /^error FILE_INVALID: .*\n {2}It is larger than 1\.0 MB/m,
    ],
    'a bomb of aliases': [() => `${BOMB}${good}`, /^error FILE_INVALID/m],
  };
  for (const [name, [text, says]] of Object.entries(bad))
    it(`${name}: deploy and up refuse it with its place, and what serves serves on`, async (t) => {
      await write(text());
      await serving(t, project, 'v1', async () => {
        await refused(project, deployOf('v2'), { exit: 2, says });
        await refused(project, ['up'], { exit: 2, says });
        await refused(project, ['rollback'], { exit: 2, says: /FILE_INVALID/ });
        await succeeds(project, 'status');
      });
      await write(good);
    });

  it('the service gone from it: a deploy that is refused and a plan put nothing of it into force', async (t) => {
    const [one] = (await project.web()).instances;
    await write(good.replace('  web:', '  shop:'));
    await serving(t, project, 'v1', async () => {
      const says = /^error SERVICE_UNKNOWN: .*\n {2}"web"; there is shop\./m;
      await refused(project, deployOf('v2'), { exit: 2, says });
      await succeeds(project, 'plan', 'shop', '--version', 'v2', '--dir', 'builds/v2');
      // Whatever changes the routing now must not take the service out of it.
      const unready = async () =>
        (await project.journal()).some(({ fact }) => fact.kind === 'instance-unready');
      await fetch(`http://127.0.0.1:${one?.port}/unready`);
      assert.ok(await project.eventually(unready));
      await fetch(`http://127.0.0.1:${one?.port}/ready-again`);
    });
    await write(good);
    await succeeds(project, 'up');
    assert.ok(await project.eventually(() => project.allServe()));
  });

  it('right again: the next deploy goes through', async () => {
    await succeeds(project, ...deployOf('v2'));
  });
});

describe('an address in use', () => {
  it('up names it and can be said again once it is free', async (t) => {
    const project = await TestProject.create();
    t.after(() => project.remove());
    const other = await occupy(t, project.port);
    await refused(project, ['up'], {
      exit: 5,
      says: new RegExp(`^error PORT_IN_USE: [\\s\\S]*${project.port}`, 'm'),
    });
    await other.leave();
    await succeeds(project, 'up');
    await project.build('v1');
    await succeeds(project, ...deployOf('v1'));
  });

  it('moved there while it serves: refused, and the old address serves on until it can be had', async (t) => {
    const project = await TestProject.create();
    t.after(() => project.remove());
    await serveV1(project);
    const other = await occupy(t, 0);
    const file = path.join(project.root, 'segue.yaml');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(`:${project.port}"`, `:${other.port}"`));
    await serving(t, project, 'v1', () => refused(project, ['up'], { exit: 5, says: /^error PORT_IN_USE/m }));
    await other.leave();
    await succeeds(project, 'up');
    assert.match(await (await fetch(`http://127.0.0.1:${other.port}/`)).text(), /^version v1/);
    await assert.rejects(fetch(`http://127.0.0.1:${project.port}/`), 'the old address is left');
  });

  it('all ports for instances: the release is taken back and says which it tried', async (t) => {
    const project = await TestProject.create();
    t.after(() => project.remove());
    await serveV1(project);
    const { port } = await occupy(t, 0);
    await project.writeFile({ top: `ports: ${port}-${port}` });
    await project.build('v2');
    await serving(t, project, 'v1', () =>
      refused(project, deployOf('v2'), {
        exit: 3,
        says: new RegExp(`No port is free.* Tried ports ${port} to ${port}\\.`),
      }),
    );
    assert.ok(await project.allServe());
  });
});

/** Another program on a port; 0: any. */
async function occupy(t: TestContext, port: number) {
  const server = createServer((socket) => socket.end()).listen(port, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const leave = async () => {
    server.close();
    await once(server, 'close');
  };
  return { port: portOf(server.address()), leave };
}
