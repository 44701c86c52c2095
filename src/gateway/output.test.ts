/**
 * Hunts bytes that are lost or overtake each other when the system does not take all of them at once, a wait that
 * nobody ends, and a buffer that is written over while the system still reads from it.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Output } from './output.ts';
import { findTcpHandles, tcpHandles } from './tcp-handle.ts';

const WAYS = [
  ['handle', tcpHandles],
  ['stream', null],
] as const;

const PART_BYTES = 256 * 1024;
const PARTS = 40;

const partOf = (at: number): Buffer => Buffer.alloc(PART_BYTES, at + 1);

/** `far` does not read before it is resumed. */
async function socketPair(t: TestContext): Promise<[net.Socket, net.Socket]> {
  const server = net.createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const accepted = new Promise<net.Socket>((resolve) => server.once('connection', resolve));
  const near = net.connect(address.port, '127.0.0.1');
  await once(near, 'connect');
  const far = await accepted;
  t.after(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  return [near, far];
}

function received(socket: net.Socket): Buffer[] {
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  socket.resume();
  return parts;
}

for (const [way, handles] of WAYS) {
  test(`${way}: what is small is taken at once, and the end follows it`, async (t) => {
    const [near, far] = await socketPair(t);
    const output = new Output(near, () => assert.fail('nobody waits'), handles);
    for (const word of ['one ', 'two ', 'three']) output.write(Buffer.from(word));
    near.end();
    const parts = received(far);
    await once(far, 'end');
    assert.equal(Buffer.concat(parts).toString(), 'one two three');
    assert.ok(output.flushed);
  });

  test(`${way}: what is not taken at once arrives in order, and whoever waits hears of it`, async (t) => {
    const [near, far] = await socketPair(t);
    let drained = 0;
    const output = new Output(near, () => (drained += 1), handles);
    const goesOn: boolean[] = [];
    // Nobody reads: the system's buffers fill up, and the rest goes behind what waits, whichever way that is.
    for (let at = 0; at < PARTS; at += 1) goesOn.push(output.write(partOf(at)));
    assert.equal(goesOn.at(-1), false);
    assert.equal(output.flushed, false);
    assert.equal(drained, 0);
    const parts = received(far);
    while (drained === 0 || !output.flushed) await turn();
    output.write(Buffer.from('the end'));
    near.end();
    await once(far, 'end');
    const expected = Buffer.concat([
      ...Array.from({ length: PARTS }, (_, at) => partOf(at)),
      Buffer.from('the end'),
    ]);
    assert.equal(Buffer.compare(Buffer.concat(parts), expected), 0);
  });

  test(`${way}: a buffer may be used again as soon as all is flushed, not before`, async (t) => {
    const [near, far] = await socketPair(t);
    const output = new Output(near, () => undefined, handles);
    const parts = received(far);
    const buffers = [0, 1].map(() => Buffer.alloc(4 * PART_BYTES));
    for (let at = 0; at < PARTS; at += 1) {
      for (const buffer of buffers) output.write(buffer.fill(at + 1));
      while (!output.flushed) await turn();
    }
    near.end();
    await once(far, 'end');
    const expected = Array.from({ length: PARTS }, (_, at) => Buffer.alloc(8 * PART_BYTES, at + 1));
    assert.equal(Buffer.compare(Buffer.concat(parts), Buffer.concat(expected)), 0);
  });

  test(`${way}: whoever waits for a single part, or asks to be called, is`, async (t) => {
    const [near, far] = await socketPair(t);
    const called: string[] = [];
    const output = new Output(near, () => called.push('drained'), handles);
    output.whenFlushed(() => called.push('nothing was written'));
    assert.equal(output.write(Buffer.alloc(PARTS * PART_BYTES)), false);
    output.whenFlushed(() => called.push('flushed'));
    assert.deepEqual(called, ['nothing was written']);
    received(far);
    while (called.length < 3) await turn();
    assert.deepEqual(called.slice(1).toSorted(), ['drained', 'flushed']);
    assert.ok(output.flushed);
  });

  test(`${way}: two sockets that wait at once do not end each other's wait`, async (t) => {
    const [[near, far], [otherNear, otherFar]] = await Promise.all([socketPair(t), socketPair(t)]);
    const output = new Output(near, () => undefined, handles);
    const other = new Output(otherNear, () => undefined, handles);
    for (let at = 0; at < PARTS; at += 1) {
      output.write(partOf(at));
      other.write(partOf(at));
    }
    received(far);
    while (!output.flushed) await turn();
    assert.equal(other.flushed, false);
    received(otherFar);
    while (!other.flushed) await turn();
  });

  test(`${way}: who writes to a socket that the other side has reset loses the socket, and nothing else`, async (t) => {
    const [near, far] = await socketPair(t);
    near.on('error', () => undefined);
    const closed = new Promise((resolve) => near.once('close', resolve));
    const output = new Output(near, () => undefined, handles);
    for (let at = 0; at < PARTS; at += 1) output.write(partOf(at));
    far.resetAndDestroy();
    await closed;
    assert.equal(output.write(Buffer.from('more')), false);
  });
}

test('a Node without the handles, or with others, is one without', () => {
  const wrong = { streamBaseState: [], kReadBytesOrError: 0, kLastWriteWasAsync: 1, WriteWrap: Object };
  assert.equal(findTcpHandles(undefined), null);
  assert.equal(
    findTcpHandles(() => undefined),
    null,
  );
  assert.equal(
    findTcpHandles(() => ({})),
    null,
  );
  assert.equal(
    findTcpHandles(() => ({ ...wrong, TCP: Object })),
    null,
  );
  assert.equal(
    findTcpHandles(() => {
      throw new Error('no such module');
    }),
    null,
  );
});

test('only a plain TCP socket has a handle that is written to', async (t) => {
  const [near] = await socketPair(t);
  assert.ok(tcpHandles);
  assert.notEqual(tcpHandles.of(near), null);
  near.destroy();
  assert.equal(tcpHandles.of(near), null);
  assert.equal(tcpHandles.of(new net.Socket()), null);
});
