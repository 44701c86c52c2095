/**
 * Hunts bytes that are lost, doubled, written over, or overtake those that waited while the reader was paused: by
 * way of the handle, and by way of the stream where a Node has no such handles.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { limits } from '../core/limits.ts';
import { readFrom, readInto } from './reading.ts';
import { tcpHandles } from './tcp-handle.ts';

const CHUNK_BYTES = 50_000;
const CHUNKS = 60;

async function socketPair(t: TestContext): Promise<[net.Socket, net.Socket]> {
  const server = net.createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const near = net.connect(address.port, '127.0.0.1');
  const accepted = new Promise<net.Socket>((resolve) => server.once('connection', resolve));
  const far = await accepted;
  t.after(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  return [near, far];
}

/** Every byte says where it belongs. */
const sent = Buffer.alloc(CHUNKS * CHUNK_BYTES);
for (let at = 0; at + 4 <= sent.length; at += 4) sent.writeUInt32LE(at, at);

const WAYS = [
  ['handle', tcpHandles],
  ['stream', null],
] as const;

test('this Node has the handles that are expected', () => assert.notEqual(tcpHandles, null));

for (const [way, handles] of WAYS)
  for (const everyNth of [0, 1, 3]) {
    test(`${way}: everything comes once and in order, then the end; a pause after every ${everyNth || 'no'} part`, async (t) => {
      const [near, far] = await socketPair(t);
      const parts: Buffer[] = [];
      let resumes = 0;
      readFrom(
        far,
        (part) => {
          // Of what was taken over, nothing changes later.
          parts.push(part);
          if (everyNth === 0 || parts.length % everyNth !== 0) return;
          far.pause();
          void (async () => {
            // Long enough for more to arrive, and be queued, meanwhile.
            for (let turns = 0; turns < 5; turns += 1) await turn();
            resumes += 1;
            far.resume();
          })();
        },
        handles,
      );
      const ended = once(far, 'end');
      for (let from = 0; from < sent.length; from += CHUNK_BYTES) {
        near.write(sent.subarray(from, from + CHUNK_BYTES));
        if (from % (7 * CHUNK_BYTES) === 0) await turn();
      }
      near.end();
      await ended;
      assert.equal(Buffer.compare(Buffer.concat(parts), sent), 0);
      assert.equal(resumes > 0, everyNth > 0);
    });
  }

for (const [way, handles] of WAYS)
  test(`${way}: what waits in the queue is not overtaken by what comes while it is let go`, async (t) => {
    const [, far] = await socketPair(t);
    const parts: string[] = [];
    readFrom(far, (part) => parts.push(part.toString()), handles);
    far.pause();
    far.push(Buffer.from('first'));
    far.resume();
    far.push(Buffer.from('second'));
    await turn();
    assert.equal(parts.join(' '), 'first second');
  });

for (const [way, handles] of WAYS)
  test(`${way}: a paused reader keeps no more than its queue holds`, async (t) => {
    const [near, far] = await socketPair(t);
    let taken = 0;
    readFrom(
      far,
      (part) => {
        taken += part.length;
        far.pause();
      },
      handles,
    );
    // More than the system's buffers hold on both sides.
    for (let megabytes = 0; megabytes < 40; megabytes += 1) {
      near.write(Buffer.alloc(1024 * 1024));
      for (let turns = 0; turns < 20; turns += 1) await turn();
    }
    assert.ok(
      taken > 0 && taken + far.readableLength < 1024 * 1024,
      `${taken} taken, ${far.readableLength} queued`,
    );
  });

test('a socket that sends much, then little, then much: nothing that was handed out changes', async (t) => {
  const [near, far] = await socketPair(t);
  const parts: Buffer[] = [];
  const sizes: number[] = [];
  readFrom(far, (part) => {
    parts.push(part);
    sizes.push(part.length);
  });
  let at = 0;
  for (const size of [100, 1_000_000, 100, 300_000, 7, 500_000]) {
    near.write(sent.subarray(at, at + size));
    at += size;
    const until = at;
    while (parts.reduce((sum, { length }) => sum + length, 0) < until) await turn();
  }
  assert.equal(Buffer.compare(Buffer.concat(parts), sent.subarray(0, at)), 0);
  assert.ok(
    sizes.some((size) => size > limits.gateway.clientReadBytes / 2),
    'never much at once',
  );
});

test('a reset ends the socket', async (t) => {
  const [near, far] = await socketPair(t);
  readFrom(far, () => undefined);
  const failed = once(far, 'error');
  const closed = new Promise((resolve) => far.once('close', resolve));
  near.resetAndDestroy();
  await failed;
  await closed;
});

for (const [way, handles] of WAYS)
  test(`${way}: a buffer that is in use is not read into`, async (t) => {
    const server = net.createServer((socket) => socket.end(sent)).listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    const place = server.address();
    assert.ok(place !== null && typeof place === 'object');
    const buffer = Buffer.alloc(limits.gateway.clientReadBytes);
    const parts: Buffer[] = [];
    let calls = 0;
    const take = (size: number) => {
      calls += 1;
      const part = buffer.subarray(0, size);
      if (calls % 3 !== 0) return parts.push(Buffer.from(part)) > 0;
      void (async () => {
        for (let turns = 0; turns < 5; turns += 1) await turn();
        parts.push(Buffer.from(part));
        reader.resume();
      })();
      return false;
    };
    const reader = net.connect({
      ...{ host: '127.0.0.1', port: place.port },
      onread: { buffer, callback: take },
    });
    t.after(() => reader.destroy());
    await once(reader, 'connect');
    readInto(reader, take, handles);
    await once(reader, 'end');
    assert.equal(Buffer.compare(Buffer.concat(parts), sent), 0);
  });
