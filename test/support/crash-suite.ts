/**
 * Kills control with SIGKILL at every journal write of a release and holds what comes after to R5. The points are
 * found by running a release once. Before a write an act is done that nobody knows of, after it one is known of that
 * is not done: web services have both at each write; where a crash takes longer, one of them in turn at each second
 * write, unless `SEGUE_CRASHES=all` asks for both at each there, too.
 */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { startLoad } from '../load/load.ts';
import { assertEnded } from './outcome.ts';
import { instancesUnder } from './processes.ts';
import { program } from './program.ts';
import { type ProjectOptions, TestProject } from './test-project.ts';

const main = program('test/support/crash-control.ts');

export interface CrashOptions {
  readonly file?: ProjectOptions;
  /** Of both versions. */
  readonly behaviour?: (root: string) => Readonly<Record<string, unknown>>;
  /** What else has to hold after each crash. */
  readonly check?: (root: string) => void;
  /** What goes on meanwhile and must not notice anything; without it steady requests. */
  readonly work?: (project: TestProject) => Work;
  /** At each write, before it as well as after it. */
  readonly all?: boolean;
}

const MOMENTS = ['before', 'after'] as const;
const allEverywhere = process.env['SEGUE_CRASHES'] === 'all';

/** Something steady. `stop` fails when it noticed anything, and says what it did. */
export interface Work {
  readonly stop: () => Promise<string>;
}

export async function crashEverywhere(
  t: TestContext,
  strategy: string,
  options: CrashOptions = {},
): Promise<void> {
  const { file = {}, behaviour = () => ({}), check = () => undefined } = options;
  const { work = requests, all = allEverywhere } = options;
  const service = `    strategy: ${strategy}`;
  const worker = file.worker === undefined ? {} : { worker: `${file.worker}\n${service}` };
  const project = await TestProject.create({ ...file, service, ...worker });
  t.after(() => project.remove());
  const crasher = new Crasher(project);
  for (const version of ['a', 'b']) await project.build(version, behaviour(project.root));
  await crasher.arm('');
  await crasher.up();
  assertEnded(await project.deploy('a'), 'done');
  const points = await crasher.writesOf(() => project.deploy('b'));
  assert.ok(points > 10, `a release makes many writes, found ${points}`);

  const steady = work(project);
  let over = false;
  // Only where the test ended before: what it looks at is gone by then.
  t.after(() => over || steady.stop().catch(() => undefined));
  let crashes = 0;
  const planned = momentsOf(points, all);
  for (const moment of planned) {
    if (await crasher.crashOnce(moment)) crashes += 1;
    check(project.root);
  }
  over = true;
  const did = await steady.stop();
  t.diagnostic(`${points} writes found, ${crashes} crashes, ${did}`);
  // The order of a release's writes is not quite the same each time, so its last points may be past its end.
  const reached = all ? planned.length : planned.length - 1;
  assert.ok(crashes > reached * 0.9, `${crashes} crashes, ${planned.length} planned`);
}

/** `before:3`: what the control that is to be killed is told. */
function momentsOf(points: number, all: boolean): string[] {
  const numbers = Array.from({ length: points }, (_, at) => at + 1);
  if (all) return numbers.flatMap((number) => MOMENTS.map((moment) => `${moment}:${number}`));
  return numbers.flatMap((number) =>
    number % 2 === 0 ? [] : [`${MOMENTS[((number - 1) / 2) % 2] ?? 'before'}:${number}`],
  );
}

function requests({ port }: TestProject): Work {
  const load = startLoad({
    target: { host: '127.0.0.1', port },
    clients: [
      { kind: 'keep-alive', method: 'GET', path: '/', count: 2, thinkMs: 25 },
      { kind: 'keep-alive', method: 'POST', path: '/', body: 'some body', count: 1, thinkMs: 25 },
      { kind: 'per-request', method: 'GET', path: '/', count: 1, thinkMs: 50 },
    ],
  });
  const stop = async () => {
    const { failures, failed, answered } = await load.stop();
    assert.deepEqual(failures, []);
    assert.equal(failed, 0);
    return `${answered} requests answered`;
  };
  return { stop };
}

export class Crasher {
  readonly #project: TestProject;
  readonly #writesFile: string;
  readonly #crashFile: string;

  constructor(project: TestProject) {
    this.#project = project;
    this.#writesFile = path.join(project.root, 'writes.log');
    this.#crashFile = path.join(project.root, 'crash-at');
  }

  async arm(point: string): Promise<void> {
    await writeFile(this.#crashFile, point);
  }

  async up(): Promise<void> {
    const env = { SEGUE_TEST_WRITES_FILE: this.#writesFile, SEGUE_TEST_CRASH_FILE: this.#crashFile };
    await this.#project.up({ main, env });
  }

  async writesOf(work: () => Promise<unknown>): Promise<number> {
    await writeFile(this.#writesFile, '');
    await work();
    const lines = (await readFile(this.#writesFile, 'utf8')).trim().split('\n');
    return lines.findIndex((line) => line.endsWith('release-ended')) + 1;
  }

  /** False when the release was over before it reached the point. */
  async crashOnce(point: string): Promise<boolean> {
    const project = this.#project;
    const before = (await project.status()).services[0];
    const from = before?.stable ?? '';
    const to = from === 'a' ? 'b' : 'a';
    await this.arm(point);
    // The answer may be lost with control; what counts is what the journal says afterwards.
    const asked = project.begin(to).catch(() => null);
    const died = () => project.control?.signalCode === 'SIGKILL';
    const settled = async () => died() || (await this.#ended(before?.last?.id));
    assert.ok(await project.eventually(settled), `something came of ${point}`);
    await asked;
    const crashed = died();
    await this.arm('');
    if (crashed) await this.up();
    const idle = await project.eventually(() => this.#idle());
    assert.ok(idle, `all is well after ${point}: ${idle ? '' : JSON.stringify(await project.web())}`);
    await this.#checkOneVersionServes(point, from, to);
    return crashed;
  }

  async #ended(lastBefore: string | undefined): Promise<boolean> {
    const service = (await this.#project.status()).services[0];
    return service?.release === null && service.last?.id !== lastBefore;
  }

  /** No release is under way, and what crashed or was restarted, or missed a check, is at work again. */
  async #idle(): Promise<boolean> {
    const service = (await this.#project.status()).services[0];
    return service?.release === null && (await this.#project.allServe());
  }

  async #checkOneVersionServes(point: string, from: string, to: string): Promise<void> {
    const project = this.#project;
    const service = (await project.status()).services[0];
    const last = service?.last;
    const begun = last?.to === to;
    assert.equal(service?.stable, begun ? to : from, `stable after ${point}`);
    if (begun) assert.equal(last.state, 'done', `${point}: ${last.why}`);
    const serves = service?.kind === 'worker' ? 'working' : 'serving';
    const wrong = service?.instances.filter((i) => i.version !== service.stable || i.traffic !== serves);
    assert.deepEqual(wrong, [], `only instances of one version in traffic or at work after ${point}`);
    assert.equal(service?.instances.length, service?.wanted, `as many as wanted after ${point}`);
    const known = new Set(service?.instances.map((i) => i.pid));
    const orphans = (await instancesUnder(project.root)).filter(({ pid }) => !known.has(pid));
    assert.deepEqual(orphans, [], `nothing else runs after ${point}`);
    if (begun)
      assert.deepEqual(await this.#ends(last.id), ['release-ended'], 'the journal says how it ended, once');
  }

  async #ends(release: string): Promise<string[]> {
    const { entries } = await this.#project.release(release);
    return entries.map(({ fact }) => fact.kind as string).filter((kind) => kind === 'release-ended');
  }
}
