/** Hunts a first segue.yaml that Segue itself refuses, or that starts something other than the project does. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import type { Service } from '../../core/project.ts';
import { isName } from '../../wire/file/values.ts';
import { parseProjectFile } from '../../wire/file/parse.ts';
import { starterFile } from './file.ts';
import { lookAround, nameFrom } from './findings.ts';
import { ignoreState } from './gitignore.ts';
import { webIn } from '../../../test/support/service-spec.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'segue-starter-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const put = (name: string, text: string) => writeFile(path.join(root, name), text);

describe('the command', () => {
  test('is the script itself, not npm, with the program of node_modules', async () => {
    await put(
      'package.json',
      JSON.stringify({ name: '@shop/Web App', scripts: { start: 'next start -p $PORT' } }),
    );
    await mkdir(path.join(root, 'node_modules/.bin'), { recursive: true });
    await put('node_modules/.bin/next', '');
    const found = await lookAround(root);
    assert.equal(found.name, 'web-app');
    assert.equal(found.start?.command, './node_modules/.bin/next start -p $PORT');
  });

  test('comes from the Procfile first, whose other lines are workers, or run once', async () => {
    await put('package.json', JSON.stringify({ scripts: { start: 'node a.js' } }));
    const lines = ['web: node b.js', 'worker: node "c d".js', 'Web: node e.js', 'release: node f.js', '1: g'];
    await put('Procfile', lines.join('\n'));
    const found = await lookAround(root);
    assert.deepEqual(found.start, { command: 'node b.js', source: 'Procfile' });
    assert.deepEqual(found.workers, [{ name: 'worker', command: 'node "c d".js' }]);
    assert.deepEqual(
      found.others.map(({ name }) => name),
      ['Web', 'release', '1'],
    );
  });

  test('comes from the Dockerfile, with its port', async () => {
    await put('Dockerfile', 'FROM x\nEXPOSE 3000\nENTRYPOINT ["node"]\nCMD ["server.js", \\\n  "a b"]\n');
    const found = await lookAround(root);
    assert.equal(found.start?.command, "node server.js 'a b'");
    assert.equal(found.port, 3000);
  });

  test('is not invented from files that cannot be read as what they are', async () => {
    await put('package.json', '{ not json');
    await put('Dockerfile', 'CMD ["broken');
    assert.equal((await lookAround(root)).start, null);
  });
});

test('whatever is found, the file passes the check and starts exactly that', () => {
  const words = fc
    .string({ minLength: 1, maxLength: 40 })
    .filter((text) => text.trim() !== '' && !/[\r\n]/.test(text));
  const start = fc.option(
    fc.record({ command: words.map((w) => w.trim()), source: fc.constant('Procfile') }),
  );
  const line = fc.record({ name: fc.stringMatching(/^[a-z]{1,8}$/), command: words.map((w) => w.trim()) });
  const others = fc.array(line);
  const names = fc.uniqueArray(line, { selector: ({ name }) => name, maxLength: 4 });
  const workersOf = names.map((all) => all.filter(({ name }) => name !== 'web'));
  const ports = fc.option(fc.integer({ min: 1, max: 19_999 }));
  fc.assert(
    fc.property(start, ports, workersOf, others, (found, port, workers, rest) => {
      const findings = { name: 'app', start: found, port, workers, others: rest };
      const text = starterFile(findings, './segue.schema.json');
      const result = parseProjectFile(text, 'segue.yaml', null);
      assert.ok(result.ok, JSON.stringify(result));
      const web = webIn(result.project.services);
      assert.equal(web.run.command, found?.command ?? 'node server.js');
      assert.equal(web.traffic.listen.port, port ?? 8080);
      for (const worker of workers) {
        const service: Service | undefined = result.project.services[worker.name];
        assert.equal(service?.kind, 'worker');
        assert.equal(service.run.command, worker.command);
      }
    }),
  );
});

test('a command that YAML would read as something else is quoted', () => {
  for (const command of ['.0', '.inf', 'true', 'null', 'a: b', 'a #b', '~']) {
    const start = { command, source: 'Procfile' };
    const text = starterFile(
      { name: 'app', start, port: null, workers: [], others: [] },
      './segue.schema.json',
    );
    const result = parseProjectFile(text, 'segue.yaml', null);
    assert.ok(result.ok, JSON.stringify(result));
    assert.equal(result.project.services['web']?.run.command, command);
  }
});

test('any text becomes a name or none', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const name = nameFrom(text);
      assert.ok(name === null || isName(name), `${text} -> ${name}`);
    }),
  );
});

test('.segue is kept out of git once, and only where there is git', async () => {
  assert.equal(await ignoreState(root), false);
  await put('.gitignore', 'dist');
  assert.equal(await ignoreState(root), true);
  assert.equal(await ignoreState(root), false);
  assert.equal(await readFile(path.join(root, '.gitignore'), 'utf8'), 'dist\n.segue/\n');
});
