/** Hunts requests that wait in more memory than there is for them, and room that is not given back. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { limits } from '../core/limits.ts';
import { HoldSpace } from './hold.ts';
import { RequestBody } from './request-body.ts';

const { heldBytesMax, heldRequestsMax, bodyBacklogBytesMax } = limits.gateway;

it('has room for so many bytes, and for more only when some are gone', () => {
  const space = new HoldSpace();
  assert.equal(space.take(heldBytesMax - 10), true);
  assert.equal(space.take(11), false);
  assert.equal(space.take(10), true);
  assert.equal(space.take(1), false);
  space.free(10);
  assert.equal(space.take(1), true);
});

it('has room for so many requests, however small', () => {
  const space = new HoldSpace();
  for (let i = 0; i < heldRequestsMax; i += 1) assert.equal(space.take(1), true);
  assert.equal(space.take(0), false);
});

it('counts a body as what may be kept of it, whatever of it is here by now', () => {
  assert.equal(new RequestBody('chunked').keptBytesMax, 2 * bodyBacklogBytesMax);
  assert.equal(new RequestBody(1024 ** 3).keptBytesMax, 2 * bodyBacklogBytesMax);
  const small = new RequestBody(100);
  assert.equal(small.keptBytesMax, 100);
  small.take(Buffer.alloc(60), 0, 60);
  assert.equal(small.keptBytesMax, 100);
});
