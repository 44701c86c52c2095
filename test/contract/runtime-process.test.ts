/**
 * Bugs hunted: instances that die with control or are started twice after a crash, pids believed after they came
 * round, processes left behind by a program that forks, commands that fail without saying why, logs that grow
 * without bound, and a runtime that keeps Node from ending.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { SegueError } from '../../src/core/errors.ts';
import { limits } from '../../src/core/limits.ts';
import type { Mark } from '../../src/core/release/records.ts';
import { systemClock } from '../../src/drivers/clock/system.ts';
import { isLive } from '../../src/drivers/runtime/process/proc-parse.ts';
import {
  type ProcessId,
  readAll,
  readStat,
  withSecret,
} from '../../src/drivers/runtime/process/process-table.ts';
import { ProcessRuntime, type ProcessRuntimeOptions } from '../../src/drivers/runtime/process/runtime.ts';
import type { InstanceSpec } from '../../src/ports/runtime.ts';
import { eventually } from './eventually.ts';
import { readLog, runtimeContract, type Behaviour } from './runtime.ts';
import { somePort } from './some-port.ts';

const fixtures = join(import.meta.dirname, 'fixtures');
const makeDir = () => mkdtemp(join(tmpdir(), 'segue-runtime-'));
const commandOf = (behaviour: Behaviour) => [process.execPath, join(fixtures, 'instance.ts'), ...behaviour];
const hashOf = (secret: string) => createHash('sha256').update(secret).digest('hex');

runtimeContract('processes', async () => {
  const dir = await makeDir();
  return {
    open: () => new ProcessRuntime({ logsDir: join(dir, 'logs'), clock: systemClock }),
    command: (behaviour) => ({ command: commandOf(behaviour), dir, env: { PATH: '/usr/bin:/bin' } }),
    dispose: () => rm(dir, { recursive: true }),
  };
});

describe('the process runtime', () => {
  let dir: string;
  let opened: ProcessRuntime[];
  let secrets: string[];
  let runtime: ProcessRuntime;

  const open = (options: Partial<ProcessRuntimeOptions> = {}) => {
    const another = new ProcessRuntime({ logsDir: join(dir, 'logs'), clock: systemClock, ...options });
    opened.push(another);
    return another;
  };
  const specOf = (command: InstanceSpec['command'], env: Record<string, string> = {}): InstanceSpec => {
    const secret = randomBytes(16).toString('hex');
    secrets.push(secret);
    const { PATH = '' } = process.env;
    return { id: `web-${secrets.length}`, secret, dir, command, env: { PATH, ...env } };
  };
  const alive = ({ secret }: InstanceSpec) => withSecret(readAll().filter(isLive), hashOf(secret));
  const refusal = async (spec: InstanceSpec) => {
    const error = await runtime.start(spec).then(
      () => null,
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof SegueError, `it was refused: ${String(error)}`);
    assert.deepEqual(await alive(spec), [], 'nothing runs');
    return error;
  };

  beforeEach(async () => {
    dir = await makeDir();
    [opened, secrets] = [[], []];
    runtime = open();
  });
  afterEach(async () => {
    for (const secret of secrets) {
      for (const left of await withSecret(readAll().filter(isLive), hashOf(secret)))
        process.kill(left.pid, 'SIGKILL');
    }
    await Promise.all(opened.map((each) => each.close()));
    await rm(dir, { recursive: true });
  });

  describe('and the death of control', () => {
    /** A control in its own process; resolves with the mark that it got. */
    const startElsewhere = async (spec: InstanceSpec) => {
      const script = join(fixtures, 'start-instance.ts');
      const control = spawn(process.execPath, [script, join(dir, 'logs'), JSON.stringify(spec)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const line: unknown = (await once(createInterface(control.stdout), 'line'))[0];
      const mark: Mark = JSON.parse(String(line));
      control.kill('SIGKILL');
      await once(control, 'exit');
      return mark;
    };

    it('leaves instances running, to be taken up and stopped', async () => {
      const spec = specOf(commandOf(['serves']), { PORT: String(await somePort()) });
      const mark = await startElsewhere(spec);
      assert.deepEqual(await runtime.adopt({ id: spec.id, secretHash: hashOf(spec.secret), mark }), mark);
      await eventually('it listens', async () => (await runtime.listening(spec.id))?.length);
      assert.equal((await runtime.stop(spec.id, { signal: 'SIGTERM', withinMs: 60_000 })).how, 'signal');
      assert.deepEqual(await alive(spec), []);
    });

    it('between start and record starts nothing twice', async () => {
      const spec = specOf(['sleep', '1000']);
      const mark = await startElsewhere(spec);
      assert.deepEqual(await runtime.start(spec), mark);
      assert.equal((await alive(spec)).length, 1);
      assert.deepEqual(
        await open().adopt({ id: spec.id, secretHash: hashOf(spec.secret), mark: null }),
        mark,
      );
    });

    it('takes no process for an instance by its pid alone', async () => {
      const spec = specOf(['sleep', '1000']);
      const mark = await runtime.start(spec);
      const identity = { id: spec.id, secretHash: hashOf(spec.secret) };
      const adopt = (changed: Mark) => open().adopt({ ...identity, mark: changed });
      assert.equal(await adopt({ ...mark, start: '1' }), null, 'another start time');
      assert.equal(await adopt({ ...mark, boot: 'another' }), null, 'another boot');
      assert.equal(await adopt({ ...mark, pid: process.pid }), null, 'another pid');
      assert.equal(await adopt({ pid: 'x' }), null, 'not a mark');
      const here = readStat(process.pid);
      assert.equal(
        await adopt({ ...mark, pid: process.pid, start: here?.start ?? '' }),
        null,
        'no instance at all',
      );
    });

    it('finds what cleared its environment by its mark', async () => {
      const spec = specOf(['env', '-i', '/bin/sleep', '1000']);
      const mark = await runtime.start(spec);
      await eventually('its environment is empty', async () => (await alive(spec)).length === 0);
      const later = open();
      assert.deepEqual(await later.adopt({ id: spec.id, secretHash: hashOf(spec.secret), mark }), mark);
      assert.equal((await later.stop(spec.id, { signal: 'SIGTERM', withinMs: 60_000 })).how, 'signal');
    });

    it('does not keep Node from ending once it is closed', async () => {
      const script = `
        import { systemClock } from '${join(import.meta.dirname, '../../src/drivers/clock/system.ts')}';
        import { ProcessRuntime } from '${join(import.meta.dirname, '../../src/drivers/runtime/process/runtime.ts')}';
        const runtime = new ProcessRuntime({ logsDir: process.argv[1], clock: systemClock });
        await runtime.start(JSON.parse(process.argv[2]));
        await runtime.close();`;
      const spec = specOf(['sleep', '1000']);
      const args = ['--input-type=module', '--eval', script, join(dir, 'logs'), JSON.stringify(spec)];
      await promisify(execFile)(process.execPath, args, { timeout: 20_000 });
      assert.equal((await alive(spec)).length, 1);
    });
  });

  describe('stops whole', () => {
    const stopped = async (script: string, processes: number, withinMs: number) => {
      const spec = specOf(['/bin/sh', '-c', script]);
      await runtime.start(spec);
      // A shell between its `fork` and its `wait` can miss a signal.
      const waits = ({ pid }: ProcessId) => readStat(pid)?.state === 'S';
      await eventually('all of it runs and waits', async () => {
        const found = await alive(spec);
        return found.length === processes && found.every(waits);
      });
      const report = await runtime.stop(spec.id, { signal: 'SIGTERM', withinMs });
      assert.deepEqual(await alive(spec), []);
      return report.how;
    };

    it('children and grandchildren', async () => {
      assert.equal(
        await stopped('sh -c "sleep 1000 & sleep 1000 & wait" & sleep 1000 & wait', 5, 60_000),
        'signal',
      );
    });

    it('what went into a session of its own', async () => {
      assert.equal(await stopped('setsid sleep 1000 & sleep 1000 & wait', 3, 60_000), 'signal');
    });

    it('what went into a session of its own and does not listen', async () => {
      const deaf = `setsid sh -c 'trap "" TERM; while :; do sleep 1000; done' & wait`;
      assert.equal(await stopped(deaf, 3, 200), 'kill');
    });

    it('children of a leader that ended at the signal', async () => {
      assert.equal(
        await stopped(`sh -c 'trap "sleep 0.3; exit" TERM; sleep 1000 & wait' & wait`, 3, 60_000),
        'signal',
      );
    });

    it('children of a leader that ended before, even with another environment', async () => {
      const spec = specOf(['/bin/sh', '-c', 'setsid sleep 1000 & env -i /bin/sleep 1000 & exit 0']);
      const exited = new Promise((resolve) => runtime.onExit(resolve));
      const { pid } = await runtime.start(spec);
      assert.deepEqual(await exited, { id: spec.id, code: 0, signal: null });
      const session = () => readAll().filter((found) => isLive(found) && found.session === pid);
      try {
        const changed = async () => session().length === 1 && (await alive(spec)).length === 1;
        await eventually('one has left the session, and one the environment', changed);
        assert.equal((await runtime.stop(spec.id, { signal: 'SIGTERM', withinMs: 60_000 })).how, 'signal');
        assert.deepEqual([...session(), ...(await alive(spec))], []);
      } finally {
        for (const left of session()) process.kill(left.pid, 'SIGKILL');
      }
    });

    it('what an earlier run left behind, before it is started again', async () => {
      const first = specOf(['/bin/sh', '-c', 'sleep 1000 & exit 1']);
      const exited = new Promise((resolve) => runtime.onExit(resolve));
      await runtime.start(first);
      await exited;
      await eventually('it is left', async () => (await alive(first)).length === 1);
      await runtime.start({ ...specOf(['sleep', '1000']), id: first.id });
      assert.deepEqual(await alive(first), []);
    });

    it('what a later control finds without its leader', async () => {
      const spec = specOf(['/bin/sh', '-c', 'sleep 1000 & exit 0']);
      const exited = new Promise((resolve) => runtime.onExit(resolve));
      const mark = await runtime.start(spec);
      await exited;
      await eventually('it is left', async () => (await alive(spec)).length === 1);
      const later = open();
      assert.equal(await later.adopt({ id: spec.id, secretHash: hashOf(spec.secret), mark }), null);
      assert.equal((await later.stop(spec.id, { signal: 'SIGTERM', withinMs: 60_000 })).how, 'signal');
      assert.deepEqual(await alive(spec), []);
    });

    it('but nothing that a leader starts in order to end well', async () => {
      const script = `trap 'sleep 0.2; echo flushed; exit 0' TERM; sleep 1000 & wait`;
      assert.equal(await stopped(script, 2, 60_000), 'signal');
      assert.deepEqual(await readLog(runtime, 'web-1'), ['flushed']);
    });

    it('and takes a zombie for what it is: ended', async () => {
      const parent = spawn('/bin/sh', ['-c', 'sleep 0.01 & echo $!; exec sleep 1000'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      try {
        const pid = Number((await once(createInterface(parent.stdout), 'line'))[0]);
        await eventually('it is a zombie', () => readStat(pid)?.state === 'Z');
        const zombie = readStat(pid);
        const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
        const mark = { pid, start: zombie?.start ?? '', boot };
        assert.equal(await runtime.adopt({ id: 'web-0', secretHash: hashOf('none'), mark }), null);
      } finally {
        parent.kill('SIGKILL');
        await once(parent, 'exit');
      }
    });
  });

  describe('commands', () => {
    it('that do not exist are refused, with where they were looked for', async () => {
      const error = await refusal(specOf('no-such-program --port 1', { PATH: '/usr/bin:/bin' }));
      assert.equal(error.code, 'COMMAND_NOT_FOUND');
      assert.match(error.detail, /"no-such-program" .*\/usr\/bin, \/bin/);
      const relative = await refusal(specOf(['./no/such']));
      assert.equal(relative.code, 'COMMAND_NOT_FOUND');
      assert.ok(relative.detail.includes(join(dir, 'no/such')), relative.detail);
      assert.equal((await refusal(specOf('  '))).code, 'COMMAND_NOT_FOUND');
    });

    it('that may not or cannot be run are refused, with why', async () => {
      const script = join(dir, 'script');
      await writeFile(script, '#!/no/such/interpreter\n', { mode: 0o644 });
      const closed = await refusal(specOf('./script'));
      assert.equal(closed.code, 'SPAWN_FAILED');
      assert.match(closed.detail, /not executable/);
      await chmod(script, 0o755);
      assert.match((await refusal(specOf('./script'))).detail, /interpreter/);
      assert.match((await refusal({ ...specOf('sleep 1'), dir: join(dir, 'gone') })).detail, /no folder/);
    });

    it('as plain words meet the stop signal themselves', async () => {
      const spec = specOf('sleep 1000');
      await runtime.start(spec);
      const [only] = await alive(spec);
      assert.equal(await readFile(`/proc/${only?.pid}/comm`, 'utf8'), 'sleep\n');
    });

    it('for a shell get a shell', async () => {
      const spec = specOf('echo "on $PORT" && exec sleep 1000', { PORT: '4001' });
      await runtime.start(spec);
      await eventually('it says so', async () => (await readLog(runtime, spec.id)).includes('on 4001'));
    });
  });

  describe('logs', () => {
    it('stay bounded under a program that spams, and go on at the new end', async () => {
      const bounded = open({ logBytesMax: 20_000, rotateCheckIntervalMs: 20 });
      const script = 'i=0; while :; do i=$((i+1)); echo "line $i"; [ $((i % 50)) = 0 ] && sleep 0.01; done';
      const spec = specOf(['/bin/sh', '-c', script]);
      await bounded.start(spec);
      const numberOf = (line: string | undefined) => Number(line?.split(' ')[1]);
      await eventually(
        '5000 lines were written',
        async () => numberOf((await readLog(bounded, spec.id)).at(-1)) > 5_000,
      );
      await bounded.stop(spec.id, { signal: 'SIGTERM', withinMs: 0 });
      const log = join(dir, 'logs', `${spec.id}.log`);
      for (const file of [log, `${log}.1`])
        await eventually(`${file} is cut`, async () => (await stat(file)).size <= 20_000);
      const kept = (await readLog(bounded, spec.id)).slice(0, -1);
      assert.ok(
        kept.every((line) => /^line \d+$/.test(line)),
        'no holes and no halves',
      );
    });

    it('are readable by their owner only', async () => {
      const spec = specOf(['sleep', '1000']);
      await runtime.start(spec);
      assert.equal((await stat(join(dir, 'logs', `${spec.id}.log`))).mode & 0o777, 0o600);
      assert.equal((await stat(join(dir, 'logs'))).mode & 0o777, 0o700);
    });

    it('of instances gone for good are kept by count', async () => {
      const count = limits.log.forgottenKeptMax + 3;
      for (let i = 0; i < count; i += 1) {
        const spec = specOf(['true']);
        const exited = new Promise((resolve) => runtime.onExit(resolve));
        await runtime.start(spec);
        await exited;
        await runtime.forget(spec.id);
      }
      const kept = await readdir(join(dir, 'logs', 'forgotten'));
      assert.equal(kept.length, limits.log.forgottenKeptMax);
      assert.ok(kept.includes(`web-${count}.log`));
      assert.ok(!kept.includes('web-1.log'));
    });
  });

  it('says on which other systems it does not work', () => {
    const start = () => open({ platform: 'darwin' });
    assert.throws(start, (error) => error instanceof SegueError && error.code === 'PLATFORM_UNSUPPORTED');
  });
});
