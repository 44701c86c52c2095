/** Hunts a file problem that loses its place on the way, and a huge file that is read whole. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { limits } from '../../core/limits.ts';
import { SegueError } from '../../core/errors.ts';
import { YamlProjectFile } from './yaml-file.ts';
import { webIn } from '../../../test/support/service-spec.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'segue-yaml-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const write = (text: string) => writeFile(path.join(root, 'segue.yaml'), text);
const failure = async (environment: string | null = null): Promise<SegueError> => {
  const error: unknown = await new YamlProjectFile(root).load(environment).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof SegueError, String(error));
  return error;
};

test('reads the file as it is now', async () => {
  await write('project: a\nservices: { web: { run: x, traffic: { listen: 80 } } }');
  const source = new YamlProjectFile(root);
  assert.equal((await source.load(null)).name, 'a');
  await write('project: b\nservices: { web: { run: x, traffic: { listen: 80 } } }');
  assert.equal((await source.load(null)).name, 'b');
});

test('a missing file, a folder in its place, an unknown environment', async () => {
  assert.equal((await failure()).code, 'FILE_MISSING');
  await write('project: a\nservices: { web: { run: x, traffic: { listen: 80 } } }');
  assert.equal((await failure('staging')).code, 'ENVIRONMENT_UNKNOWN');
  await rm(path.join(root, 'segue.yaml'));
  await mkdir(path.join(root, 'segue.yaml'));
  assert.equal((await failure()).code, 'FILE_INVALID');
});

test('a wrong file gives the first place and all problems', async () => {
  await write('project: A\nservices: { web: { run: x, traffic: { listen: 0 } } }');
  const error = await failure();
  assert.equal(error.code, 'FILE_INVALID');
  assert.deepEqual(error.place, { file: 'segue.yaml', line: 1, column: 10 });
  assert.equal(error.detail.split('\n').length, 2);
});

test('a file larger than the limit is refused', async () => {
  await write(`# ${'x'.repeat(limits.file.bytesMax)}`);
  const error = await failure();
  assert.equal(error.code, 'FILE_INVALID');
  assert.match(error.detail, /larger than 1\.0 MB/);
});

test('the page of maintenance is read beside the file, within its bound', async () => {
  const saying = (maintenance: string) =>
    write(`project: p\nservices: { web: { run: x, traffic: { listen: 80, maintenance: ${maintenance} } } }`);
  const answerOf = async () => {
    const { services } = await new YamlProjectFile(root).load(null);
    return webIn(services).traffic.policy.maintenance;
  };
  await saying('false');
  assert.equal(await answerOf(), null);
  await saying('true');
  assert.equal((await answerOf())?.status, 503);
  await saying('{ page: page.html, status: 200 }');
  assert.match((await failure()).detail, /services\.web\.traffic\.maintenance\.page/);
  await writeFile(path.join(root, 'page.html'), '<p>Back soon');
  const answer = await answerOf();
  assert.equal(answer?.body, '<p>Back soon');
  assert.equal(answer.contentType, 'text/html; charset=utf-8');
  await writeFile(path.join(root, 'page.html'), 'x'.repeat(limits.file.pageBytesMax + 1));
  assert.match((await failure()).detail, /larger than 64 KB/);
});
