/**
 * Hunts requests lost in direct mode: connections that are queued on the socket when an instance stops accepting,
 * idle ones closed as their client writes, instances stopped with requests under way, a keeper that takes a silent
 * instance for a drained one.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { limits } from '../../src/core/limits.ts';
import { eventually } from '../contract/eventually.ts';
import { startLoad } from '../load/load.ts';
import { assertClean, plainLoad, steadyLoad } from '../support/steady-load.ts';
import { DirectSite, type Instance } from './direct-harness.ts';

const REPLACEMENTS = 6;

/** One by one: the next is ready before the eldest is told to stop accepting. */
async function roll(site: DirectSite, first: readonly Instance[], version: string): Promise<Instance[]> {
  const serving = [...first];
  for (let replaced = 0; replaced < first.length; replaced += 1) {
    const next = await site.start(version);
    const [eldest, ...others] = serving;
    assert.ok(eldest);
    await site.accept([...others, next]);
    await site.retire(eldest);
    serving.splice(0, serving.length, ...others, next);
  }
  return serving;
}

async function startThree(site: DirectSite, version: string): Promise<Instance[]> {
  return Promise.all([1, 2, 3].map(() => site.start(version)));
}

/** A connection of its own, and what came back on it so far. */
async function connect(t: TestContext, port: number) {
  const socket = net.connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  let text = '';
  let ended = false;
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.on('error', () => (ended = true));
  socket.once('close', () => (ended = true));
  await once(socket, 'connect');
  return {
    ask: (request: string) => socket.write(request),
    answers: () => text.split('HTTP/1.1 200').length - 1,
    text: () => text,
    ended: () => ended,
  };
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

describe('direct mode', () => {
  it('replaces every instance again and again under load, and nothing is lost', async (t) => {
    const site = await DirectSite.open(t);
    let serving = await startThree(site, 'v1');
    await site.accept(serving);
    const load = steadyLoad(t, site.port);
    for (let round = 2; round < 2 + REPLACEMENTS / 3; round += 1)
      serving = await roll(site, serving, `v${round}`);
    await assertClean(load);
  });

  it('moves all traffic at once and back again to instances that stayed warm', async (t) => {
    const site = await DirectSite.open(t);
    const [blue, green] = [await startThree(site, 'blue'), await startThree(site, 'green')];
    await site.accept(blue);
    const load = steadyLoad(t, site.port);
    for (let turn = 0; turn < 3; turn += 1) {
      for (const side of [green, blue]) {
        await site.accept(side);
        const other = side === green ? blue : green;
        for (const instance of other)
          await eventually(`${instance.id} is drained`, () => site.running(instance) === 0);
      }
    }
    const { versions } = await assertClean(load);
    assert.deepEqual(Object.keys(versions).toSorted(), ['blue', 'green']);
  });

  it('an idle connection gets one more answer, and then an end', async (t) => {
    const site = await DirectSite.open(t);
    const [first, second] = [await site.start('v1'), await site.start('v2')];
    await site.accept([first]);
    const client = await connect(t, site.port);
    client.ask(GET);
    await eventually('it is answered', () => client.answers() === 1);
    await site.accept([second]);
    client.ask(GET);
    await eventually('it is answered once more', () => client.answers() === 2);
    assert.match(client.text(), /connection: close/i);
    assert.match(client.text(), /version v1 0\n$/);
    await eventually('it has ended', () => client.ended());
    await eventually('the instance is drained', () => site.running(first) === 0);
  });

  it('a plain server.close() ends the idle connection instead: that is the request which gets lost', async (t) => {
    const site = await DirectSite.open(t);
    const naive = await site.start('v1', { env: { NAIVE: '1' } });
    const client = await connect(t, site.port);
    client.ask(GET);
    await eventually('it is answered', () => client.answers() === 1);
    process.kill(naive.pid, 'SIGTERM');
    await site.ended(naive);
    client.ask(GET);
    await eventually('it has ended', () => client.ended());
    assert.equal(client.answers(), 1);
  });

  it('pipelined requests are all answered, the last one with the end of the connection', async (t) => {
    const site = await DirectSite.open(t);
    const instance = await site.start('v1');
    await site.accept([instance]);
    const client = await connect(t, site.port);
    client.ask(GET);
    await eventually('it is answered', () => client.answers() === 1);
    await site.accept([]);
    client.ask(GET.repeat(3));
    await eventually('it has ended', () => client.ended());
    assert.equal(client.answers(), 4);
    assert.equal(client.text().split(/connection: close/i).length - 1, 1);
  });

  it('what is under way when an instance leaves is finished, and counted until then', async (t) => {
    const site = await DirectSite.open(t);
    const [first, second] = [await site.start('v1'), await site.start('v2')];
    await site.accept([first]);
    const client = await connect(t, site.port);
    client.ask('GET /?ms=4000 HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually('it is under way', () => site.running(first) === 1);
    await site.accept([second]);
    assert.equal(site.running(first), 1);
    process.kill(first.pid, 'SIGTERM');
    await eventually('it is answered', () => client.answers() === 1);
    const { code } = await site.ended(first);
    assert.equal(code, 0);
  });

  it('connections wait in the kernel while no instance accepts', async (t) => {
    const site = await DirectSite.open(t);
    const [first, second] = [await site.start('v1'), await site.start('v2')];
    await site.accept([first]);
    await site.accept([]);
    const client = await connect(t, site.port);
    client.ask(GET);
    await site.accept([second]);
    await eventually('it is answered', () => client.answers() === 1);
    assert.match(client.text(), /version v2/);
  });

  it('a killed instance loses what it had under way and nothing else', async (t) => {
    const site = await DirectSite.open(t);
    const serving = await startThree(site, 'v1');
    await site.accept(serving);
    const [victim, ...others] = serving;
    assert.ok(victim);
    const kept = { kind: 'keep-alive', method: 'GET', path: '/', thinkMs: 1 } as const;
    const load = startLoad({
      target: { host: '127.0.0.1', port: site.port },
      clients: [
        { ...kept, count: 6 },
        { ...kept, kind: 'per-request', count: 3 },
      ],
    });
    t.after(() => load.stop());
    await eventually('there is load', () => load.stats().answered > 200);
    process.kill(victim.pid, 'SIGKILL');
    await site.ended(victim);
    const before = load.stats().answered;
    await eventually('it goes on', () => load.stats().answered > before + 500);
    const { failures } = await load.stop();
    // Each client has one request at a time, so at most one was with the victim.
    assert.ok(failures.length <= 9, `${failures.length} failed`);
    await site.accept(others);
    await assertClean(plainLoad(t, site.port, [{ ...kept, count: 3 }]));
  });

  it('an instance that does not answer is not taken for a drained one', async (t) => {
    const site = await DirectSite.open(t);
    const [mute, other] = [await site.start('v1'), await site.start('v2')];
    await site.accept([mute, other]);
    assert.equal(site.running(mute), 0);
    process.kill(mute.pid, 'SIGSTOP');
    await site.accept([other]);
    assert.equal(site.running(mute), 1);
    assert.deepEqual(site.log, [`direct: ${mute.id} did not answer "release"`]);
    process.kill(mute.pid, 'SIGCONT');
    await eventually('it answers', () => site.running(mute) === 0);
  });

  it('only the instance that was started has its seat', async (t) => {
    const site = await DirectSite.open(t);
    const instance = await site.start('v1');
    for (const hello of [
      `hello ${instance.id} wrong\n`,
      'hello nobody x\n',
      'accepting\n',
      `${'x'.repeat(5000)}\n`,
    ]) {
      const stranger = net.connect(`${site.folder}/direct.sock`);
      stranger.write(hello);
      stranger.resume();
      await once(stranger, 'close');
    }
    assert.equal(site.log.length, 4);
    await site.accept([instance]);
    await assertClean(plainLoad(t, site.port, [{ kind: 'keep-alive', method: 'GET', path: '/', count: 2 }]));
  });

  it('when its copies of the socket are spent it ends without a lost request', async (t) => {
    const site = await DirectSite.open(t);
    const [worn, other] = [await site.start('v1'), await site.start('v1')];
    await site.accept([other]);
    const load = steadyLoad(t, site.port);
    for (let time = 0; time < limits.direct.socketCopies; time += 1) {
      await site.accept([worn, other]);
      await site.accept([other]);
    }
    await Promise.all([site.accept([worn, other]), site.ended(worn)]);
    await assertClean(load);
  });
});
