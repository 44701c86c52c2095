/**
 * What every runtime keeps, whatever it runs instances with. Each driver's test calls this with a way to open
 * the runtime over the same state more than once, as controls that follow each other do.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { SegueError } from '../../src/core/errors.ts';
import type { InstanceExit, InstanceSpec, Runtime } from '../../src/ports/runtime.ts';
import { eventually } from './eventually.ts';
import { somePort } from './some-port.ts';

/** Programs of `fixtures/instance.ts`, with their arguments. */
export type Behaviour = readonly [
  mode: 'serves' | 'ignores-sigterm' | 'ends' | 'dies' | 'prints' | 'shows-environment' | 'burns' | 'grows',
  ...rest: string[],
];

export interface RuntimeHarness {
  open(): Runtime;
  /** How the runtime is told to start that program. */
  command(behaviour: Behaviour): Pick<InstanceSpec, 'command' | 'dir' | 'env'>;
  /** Called after each test, when every runtime is closed and every instance stopped. */
  dispose(): Promise<void>;
}

const secretHashOf = ({ secret }: InstanceSpec) => createHash('sha256').update(secret).digest('hex');
const identityOf = (spec: InstanceSpec) => ({ id: spec.id, secretHash: secretHashOf(spec) });
const hasCode = (code: string) => (error: unknown) => error instanceof SegueError && error.code === code;

export async function readLog(runtime: Runtime, id: string, lines = 1_000): Promise<readonly string[]> {
  const read: string[] = [];
  const { signal } = new AbortController();
  for await (const line of runtime.logs(id, { lines, follow: false, signal })) read.push(line);
  return read;
}

export function runtimeContract(name: string, makeHarness: () => Promise<RuntimeHarness>): void {
  describe(`the runtime contract: ${name}`, () => {
    let harness: RuntimeHarness;
    let opened: Runtime[];
    let specs: InstanceSpec[];
    let runtime: Runtime;

    const open = () => {
      const another = harness.open();
      opened.push(another);
      return another;
    };
    const specOf = (behaviour: Behaviour, env: Record<string, string> = {}): InstanceSpec => {
      const command = harness.command(behaviour);
      const secret = randomBytes(16).toString('hex');
      const id = `web-${specs.length + 1}`;
      const spec = { ...command, id, secret, env: { ...command.env, ...env } };
      specs.push(spec);
      return spec;
    };
    const says = (id: string, line: string) =>
      eventually(`${id} says "${line}"`, async () => (await readLog(runtime, id)).includes(line));

    beforeEach(async () => {
      harness = await makeHarness();
      [opened, specs] = [[], []];
      runtime = open();
    });
    afterEach(async () => {
      const sweeper = open();
      for (const spec of specs) {
        await sweeper.adopt({ ...identityOf(spec), mark: null });
        await sweeper.stop(spec.id, { signal: 'SIGTERM', withinMs: 0 });
      }
      await Promise.all(opened.map((each) => each.close()));
      await harness.dispose();
    });

    it('starts an instance once, however often it is asked', async () => {
      const spec = specOf(['ignores-sigterm']);
      const marks = await Promise.all([runtime.start(spec), runtime.start(spec)]);
      marks.push(await runtime.start(spec), await open().start(spec));
      assert.equal(new Set(marks.map((mark) => JSON.stringify(mark))).size, 1);
    });

    it('starts several at the same time', async () => {
      const three = [specOf(['serves']), specOf(['serves']), specOf(['serves'])];
      const ported = await Promise.all(
        three.map(async (spec) => ({ ...spec, env: { ...spec.env, PORT: String(await somePort()) } })),
      );
      await Promise.all(ported.map((spec) => runtime.start(spec)));
      for (const spec of ported) {
        const listening = () => runtime.listening(spec.id);
        await eventually(`${spec.id} listens`, async () => (await listening())?.length);
        assert.deepEqual(await listening(), [Number(spec.env['PORT'])]);
      }
    });

    it('takes up what an earlier control started, with and without the mark', async () => {
      const spec = specOf(['ignores-sigterm']);
      const mark = await runtime.start(spec);
      await runtime.close();
      assert.deepEqual(await open().adopt({ ...identityOf(spec), mark }), mark);
      assert.deepEqual(await open().adopt({ ...identityOf(spec), mark: null }), mark);
    });

    it('does not take up what carries another secret', async () => {
      const spec = specOf(['ignores-sigterm']);
      const mark = await runtime.start(spec);
      const other = { id: spec.id, secretHash: 'f'.repeat(64) };
      assert.equal(await open().adopt({ ...other, mark }), null);
      assert.equal(await open().adopt({ ...other, mark: null }), null);
      const later = open();
      await later.adopt({ ...other, mark });
      assert.equal((await later.stop(spec.id, { signal: 'SIGTERM', withinMs: 0 })).how, 'gone');
      assert.deepEqual(await open().adopt({ ...identityOf(spec), mark }), mark, 'it was left alone');
    });

    it('stops by signal, and says so once', async () => {
      const spec = specOf(['serves'], { PORT: '0' });
      const exits: InstanceExit[] = [];
      runtime.onExit((exit) => exits.push(exit));
      const mark = await runtime.start(spec);
      await says(spec.id, 'ready');
      assert.equal((await runtime.stop(spec.id, { signal: 'SIGTERM', withinMs: 60_000 })).how, 'signal');
      assert.equal((await runtime.stop(spec.id, { signal: 'SIGTERM', withinMs: 60_000 })).how, 'gone');
      assert.equal(await runtime.adopt({ ...identityOf(spec), mark }), null);
      assert.deepEqual(exits, [], 'an end that was asked for is no exit');
    });

    it('kills what does not listen to the signal, after its time', async () => {
      const spec = specOf(['ignores-sigterm']);
      const mark = await runtime.start(spec);
      await says(spec.id, 'ready');
      // It has to get so far as to say that it ignores the signal.
      const withinMs = 3_000;
      const report = await runtime.stop(spec.id, { signal: 'SIGTERM', withinMs });
      assert.equal(report.how, 'kill');
      assert.ok(report.tookMs >= withinMs, `it had its time: ${report.tookMs}`);
      assert.deepEqual(await readLog(runtime, spec.id), ['ready', 'ignored']);
      assert.equal(await open().adopt({ ...identityOf(spec), mark }), null);
    });

    it('says when it has told, and tells nobody again who was told before', async () => {
      const spec = specOf(['ignores-sigterm']);
      await runtime.start(spec);
      await says(spec.id, 'ready');
      let told = 0;
      const onTold = () => (told += 1);
      const order = { signal: 'SIGTERM', withinMs: 100, onTold } as const;
      const report = await runtime.stop(spec.id, { ...order, told: true });
      assert.equal(report.how, 'kill', 'its time was waited for');
      assert.deepEqual(await readLog(runtime, spec.id), ['ready']);
      assert.equal(told, 0);
      const other = specOf(['serves'], { PORT: '0' });
      await runtime.start(other);
      await says(other.id, 'ready');
      assert.equal((await runtime.stop(other.id, { ...order, withinMs: 60_000 })).how, 'signal');
      assert.equal(told, 1);
    });

    it('lets a second, more urgent stop shorten the first', async () => {
      const spec = specOf(['ignores-sigterm']);
      await runtime.start(spec);
      await says(spec.id, 'ready');
      const patient = runtime.stop(spec.id, { signal: 'SIGTERM', withinMs: 3_600_000 });
      await says(spec.id, 'ignored');
      const urgent = runtime.stop(spec.id, { signal: 'SIGTERM', withinMs: 0 });
      assert.deepEqual(
        (await Promise.all([patient, urgent])).map((report) => report.how),
        ['kill', 'kill'],
      );
      assert.deepEqual(await readLog(runtime, spec.id), ['ready', 'ignored'], 'signalled once');
    });

    it('refuses to stop what it does not know', async () => {
      await assert.rejects(
        runtime.stop('nobody', { signal: 'SIGTERM', withinMs: 0 }),
        hasCode('INSTANCE_UNKNOWN'),
      );
      await assert.rejects(async () => readLog(runtime, 'nobody'), hasCode('INSTANCE_UNKNOWN'));
      await assert.rejects(async () => readLog(runtime, '../nobody'), hasCode('INSTANCE_UNKNOWN'));
      assert.equal(await runtime.listening('nobody'), null);
    });

    it('tells the exit of what ends by itself, once, with code or signal', async () => {
      const [ending, dying] = [specOf(['ends', '3']), specOf(['dies'])];
      const exits: InstanceExit[] = [];
      runtime.onExit((exit) => exits.push(exit));
      await Promise.all([runtime.start(ending), runtime.start(dying)]);
      await eventually('both have ended', () => exits.length >= 2);
      assert.deepEqual(
        exits.sort((a, b) => a.id.localeCompare(b.id)),
        [
          { id: ending.id, code: 3, signal: null },
          { id: dying.id, code: null, signal: 'SIGKILL' },
        ],
      );
      const again = await runtime.start(ending);
      await eventually('it has ended again', () => exits.length >= 3);
      assert.equal(await runtime.adopt({ ...identityOf(ending), mark: again }), null);
    });

    it('tells the exit of what it took up', async () => {
      const spec = specOf(['ignores-sigterm']);
      const mark = await runtime.start(spec);
      const later = open();
      const exits: InstanceExit[] = [];
      later.onExit((exit) => exits.push(exit));
      await later.adopt({ ...identityOf(spec), mark });
      await runtime.stop(spec.id, { signal: 'SIGTERM', withinMs: 0 });
      await eventually('its end is told', () => exits.length > 0);
      assert.deepEqual(exits, [{ id: spec.id, code: null, signal: null }]);
    });

    it('passes on the environment that it was given', async () => {
      const spec = specOf(['shows-environment'], { GREETING: 'hello "world"\n' });
      await runtime.start(spec);
      const shown = await eventually(
        'it shows its environment',
        async () => (await readLog(runtime, spec.id))[0],
      );
      const environment: unknown = JSON.parse(shown);
      assert.deepEqual(environment, { ...spec.env, SEGUE_INSTANCE_SECRET: spec.secret });
    });

    it('keeps the last lines, follows new ones, and keeps them when the instance is forgotten', async () => {
      const spec = specOf(['prints', '30']);
      await runtime.start(spec);
      await says(spec.id, 'line 30');
      assert.deepEqual(await readLog(runtime, spec.id, 2), ['line 29', 'line 30']);

      const over = new AbortController();
      const followed: string[] = [];
      for await (const line of runtime.logs(spec.id, { lines: 3, follow: true, signal: over.signal })) {
        followed.push(line);
        if (followed.length === 3) setTimeout(() => over.abort(), 20);
      }
      assert.deepEqual(followed, ['line 28', 'line 29', 'line 30']);

      await runtime.stop(spec.id, { signal: 'SIGTERM', withinMs: 60_000 });
      await runtime.forget(spec.id);
      assert.deepEqual(await readLog(open(), spec.id, 1), ['line 30']);
      await assert.rejects(
        runtime.stop(spec.id, { signal: 'SIGTERM', withinMs: 0 }),
        hasCode('INSTANCE_UNKNOWN'),
      );
    });

    it('tells what instances use: of those that run, and each its own', async () => {
      const [burning, growing, ended] = [specOf(['burns']), specOf(['grows', '150']), specOf(['ends', '0'])];
      const exits: InstanceExit[] = [];
      runtime.onExit((exit) => exits.push(exit));
      await Promise.all([burning, growing, ended].map((spec) => runtime.start(spec)));
      await says(growing.id, 'grown');
      await eventually('one has ended', () => exits.length > 0);
      const ids = [burning.id, growing.id, ended.id, 'nobody'];
      const usage = await runtime.usage(ids);
      assert.deepEqual([...usage.keys()], [burning.id, growing.id]);
      const [burnt, grown] = [usage.get(burning.id), usage.get(growing.id)];
      assert.ok(burnt && grown);
      assert.ok(grown.rssBytes > 150 * 1024 ** 2, `it holds ${grown.rssBytes} bytes`);
      assert.ok(burnt.rssBytes > 1024 ** 2 && burnt.rssBytes < grown.rssBytes);
      await eventually('what burns has used another 300 ms', async () => {
        const now = (await runtime.usage([burning.id])).get(burning.id);
        return now && now.cpuMs >= burnt.cpuMs + 300;
      });
      const idle = (await runtime.usage([growing.id])).get(growing.id);
      assert.ok(idle && idle.cpuMs < grown.cpuMs + 300, 'the other one does nothing');
      const adopted = open();
      await adopted.adopt({ ...identityOf(burning), mark: null });
      assert.ok((await adopted.usage([burning.id])).has(burning.id), 'of what was taken up, too');
    });

    it('knows which ports are free', async () => {
      const port = await somePort();
      assert.equal(await runtime.portIsFree(port), true);
      const spec = specOf(['serves'], { PORT: String(port) });
      await runtime.start(spec);
      await says(spec.id, 'ready');
      assert.equal(await runtime.portIsFree(port), false);
      for (const none of [0, -1, 65_536, 1.5, Number.NaN])
        assert.equal(await runtime.portIsFree(none), false);
    });
  });
}
