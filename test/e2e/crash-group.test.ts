/**
 * Hunts the crash in a release of two services that leaves one of them new and the other old, one that nobody
 * finishes (R5), a process that nobody knows of, or a request lost. At the writes around the promotion, which is one
 * for both, and at some of all others, in turn before and after they are made.
 */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { it } from 'node:test';
import { instancesUnder } from '../support/processes.ts';
import { program } from '../support/program.ts';
import { assertClean, steadyLoad } from '../support/steady-load.ts';
import { TwoServices } from '../support/two-services.ts';

const main = program('test/support/crash-control.ts');
const OTHERS = 3;

it('control killed at writes of a release of two services', { timeout: 900_000 }, async (t) => {
  const two = await TwoServices.create({ strategy: '{ type: blue-green, bake: 50ms }' });
  const { project } = two;
  t.after(() => project.remove());
  const [writes, crash] = [path.join(project.root, 'writes.log'), path.join(project.root, 'crash-at')];
  const up = () =>
    project.up({ main, env: { SEGUE_TEST_WRITES_FILE: writes, SEGUE_TEST_CRASH_FILE: crash } });
  for (const version of ['a', 'b']) await project.build(version);
  await writeFile(crash, '');
  await up();
  await two.deploy('a');
  await writeFile(writes, '');
  await two.deploy('b');
  const lines = (await readFile(writes, 'utf8')).trim().split('\n');
  const last = lines.findLastIndex((line) => line.endsWith('release-ended')) + 1;
  const promoted = lines.findIndex((line) => line.includes('promote') || isPromotion(line)) + 1;
  assert.ok(last > 20 && promoted > 0, lines.join('\n'));

  const loads = [steadyLoad(t, project.port), steadyLoad(t, two.apiPort)];
  const died = () => project.control?.signalCode === 'SIGKILL';
  const isIdle = async () =>
    (await two.services()).every(
      ({ release, instances }) => release === null && instances.every(({ phase }) => phase === 'running'),
    );
  const crashOnce = async (point: string): Promise<boolean> => {
    const [from = ''] = await two.stables();
    const to = from === 'a' ? 'b' : 'a';
    const before = (await two.services()).map(({ last: ended }) => ended?.id);
    await writeFile(crash, point);
    const asked = two.begin(to).catch(() => null);
    const isOver = async () =>
      (await isIdle()) && (await two.services()).every(({ last: ended }, at) => ended?.id !== before[at]);
    assert.ok(await project.eventually(async () => died() || (await isOver())), `something came of ${point}`);
    await asked;
    const crashed = died();
    await writeFile(crash, '');
    if (crashed) await up();
    assert.ok(await project.eventually(isIdle), `both ended after ${point}`);
    const services = await two.services();
    const begun = services.some(({ last: ended }, at) => ended?.id !== before[at]);
    assert.deepEqual(await two.stables(), begun ? [to, to] : [from, from], `stable after ${point}`);
    const wrong = services.flatMap(({ instances, stable }) =>
      instances.filter(({ version, traffic }) => version !== stable || traffic !== 'serving'),
    );
    assert.deepEqual(wrong, [], `only ready instances of one version after ${point}`);
    const known = new Set(services.flatMap(({ instances }) => instances.map(({ pid }) => pid)));
    const orphans = (await instancesUnder(project.root)).filter(({ pid }) => !known.has(pid));
    assert.deepEqual(orphans, [], `nothing else runs after ${point}`);
    return crashed;
  };

  const around = [promoted - 1, promoted, promoted + 1];
  const spread = Array.from({ length: OTHERS }, (_, at) => 1 + Math.floor((at * (last - 2)) / OTHERS));
  const points = [...around, ...spread].map((write, at) => `${at % 2 === 0 ? 'before' : 'after'}:${write}`);
  let crashes = 0;
  for (const point of [...points, `after:${promoted - 1}`, `before:${promoted}`])
    if (await crashOnce(point)) crashes += 1;
  for (const load of loads) await assertClean(load);
  t.diagnostic(`${crashes} crashes at ${points.length + 2} of ${last} writes`);
  assert.ok(crashes >= points.length, `${crashes} crashes`);
});

/** Both wait to be promoted, and one write does it. */
const isPromotion = (line: string) =>
  line.split(',').filter((kind) => kind.endsWith('step-started')).length >= 4;
