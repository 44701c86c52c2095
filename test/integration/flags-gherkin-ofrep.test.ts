/**
 * Hunts answers that get lost or change between flags and programs: every scenario of the suites of flagd and
 * OpenFeature, told of a real control through OpenFeature's official providers, for servers (over TCP and over
 * control's own socket) and for web pages. What does not hold is in a list with its reason, and has to be.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, suite } from 'node:test';
import * as server from '@openfeature/server-sdk';
import * as web from '@openfeature/web-sdk';
import type { FlagsResponse } from '../../src/wire/flag-api.ts';
import type { FaceName, FlagFace } from '../support/flag-faces.ts';
import { serverFace, socketFace, webFace } from '../support/flag-ofrep-faces.ts';
import { testSuite } from '../support/flag-suite-runner.ts';
import { readSuite, type Suite, suitesMissing } from '../support/flag-suites.ts';
import { somePort } from '../contract/some-port.ts';
import { TestProject } from '../support/test-project.ts';

const KEY = 'a-key-of-the-tests';
const FACES = ['server', 'socket', 'web'] as const satisfies readonly FaceName[];

/** Without the flags for which control refuses their file. */
function servable({ files, parsed }: Suite) {
  const wrong = new Set(parsed.problems.map(({ message }) => message.split(/[.:]/)[0]));
  return files.map(({ name, text }) => {
    const content = JSON.parse(text) as { flags: Record<string, unknown> };
    const flags = Object.fromEntries(Object.entries(content.flags).filter(([key]) => !wrong.has(key)));
    return { name, text: JSON.stringify({ ...content, flags }) };
  });
}

suite('the suites of flagd and OpenFeature, by OFREP', { skip: suitesMissing }, () => {
  if (suitesMissing !== false) return;
  // flagd's suite for evaluators says nothing that the one for providers does not say.
  for (const name of ['flagd', 'openfeature'] as const) {
    const read = readSuite(name);
    const faces = new Map<FaceName, FlagFace>();
    suite(name, () => {
      let project: TestProject;
      before(async () => {
        const port = await somePort();
        const top = `flags: { ofrep: { listen: "127.0.0.1:${port}", keys: [${KEY}], rate: 1000000 } }`;
        project = await TestProject.create({ top });
        await mkdir(path.join(project.root, 'flags'));
        for (const file of servable(read)) await writeFile(path.join(project.root, file.name), file.text);
        await project.up();
        const place = { base: `http://127.0.0.1:${port}`, key: KEY };
        faces.set('server', await serverFace({ ...place, domain: `${name} server` }));
        const socket = path.relative(process.cwd(), path.join(project.root, '.segue/control.sock'));
        faces.set('socket', await socketFace(socket, `${name} socket`));
        faces.set('web', await webFace({ ...place, domain: `${name} web` }, (flag) => modify(project, flag)));
      });
      after(async () => {
        await server.OpenFeature.close();
        await web.OpenFeature.close();
        await project.remove();
      });
      for (const face of FACES)
        suite(face, () => {
          testSuite(read, face, () => {
            const found = faces.get(face);
            if (!found) throw new Error('control is not up');
            return found;
          });
        });
    });
  }
});

async function modify(project: TestProject, flag: string): Promise<void> {
  const { flags } = await project.api<FlagsResponse>('GET', '/v1/flags');
  const { definition } = flags.find((one) => one.flag === flag) ?? {};
  const variant = Object.keys(definition?.variants ?? {}).find((each) => each !== definition?.defaultVariant);
  const to = { type: 'variant', variant };
  await project.api('POST', `/v1/flags/${flag}/change`, { to, by: 'test', reason: '' });
}
