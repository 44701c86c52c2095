/**
 * Hunts the crash in a release of workers after which two versions go on, or none (R5), a job is lost or done twice, or
 * a worker is told to stop a second time.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import { it, type TestContext } from 'node:test';
import { crashEverywhere } from '../support/crash-suite.ts';
import { JobQueue } from '../support/job-queue.ts';
import type { TestProject } from '../support/test-project.ts';

const LINES = `    drain: 60s
    health: { readiness: { runs: 50ms, interval: 50ms } }`;

const queueOf = (root: string) => path.join(root, 'queue');

function crash(t: TestContext, strategy: string, mayMeet: boolean): Promise<void> {
  const jobs = (project: TestProject) => {
    const queue = new JobQueue(queueOf(project.root));
    queue.feed();
    const stop = async () => {
      queue.stop();
      assert.ok(await project.eventually(() => queue.isEmpty));
      queue.assertEachDoneOnce();
      return `${queue.done.length} jobs done`;
    };
    return { stop };
  };
  const check = (root: string) => {
    const queue = new JobQueue(queueOf(root));
    assert.ok(mayMeet || !queue.met, 'two versions were at work at once');
    assert.equal(new Set(queue.told).size, queue.told.length, `told twice: ${queue.told.join(', ')}`);
  };
  return crashEverywhere(t, strategy, {
    file: { worker: LINES },
    // There before the first worker is, which looks into it at once.
    behaviour: (root) => ({ queue: new JobQueue(queueOf(root)).root }),
    check,
    work: jobs,
  });
}

it('control killed at writes of a release of workers', { timeout: 900_000 }, (t) =>
  crash(t, '{ type: rolling, bake: 50ms }', true),
);

it('control killed at writes of a handover of workers', { timeout: 900_000 }, (t) =>
  crash(t, '{ type: handover, bake: 50ms }', false),
);
