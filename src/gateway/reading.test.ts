/** Hunts bytes that are lost, doubled, or overtake those that waited while the reader was paused. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { readFrom } from './reading.ts';

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

for (const everyNth of [0, 1, 3]) {
  test(`everything comes once and in order, then the end; a pause after every ${everyNth || 'no'} part`, async (t) => {
    const [near, far] = await socketPair(t);
    const parts: Buffer[] = [];
    let resumes = 0;
    readFrom(far, (part) => {
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
    });
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

test('what waits in the queue is not overtaken by what comes while it is let go', async (t) => {
  const [, far] = await socketPair(t);
  const parts: string[] = [];
  readFrom(far, (part) => parts.push(part.toString()));
  far.pause();
  far.push(Buffer.from('first'));
  far.resume();
  far.push(Buffer.from('second'));
  await turn();
  assert.equal(parts.join(' '), 'first second');
});

test('a paused reader keeps no more than its queue holds', async (t) => {
  const [near, far] = await socketPair(t);
  let taken = 0;
  readFrom(far, (part) => {
    taken += part.length;
    far.pause();
  });
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
