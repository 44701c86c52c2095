/** Hunts a limit that is not one, and seats that are never free again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../core/limits.ts';
import { FailureBook } from './failure-book.ts';
import { Seats } from './seats.ts';

test('as many as there are seats, and a seat that was left is free', () => {
  const seats = new Seats(2);
  const leave = seats.take();
  seats.take();
  assert.throws(() => seats.take(), { code: 'BAD_REQUEST' });
  leave();
  assert.doesNotThrow(() => seats.take());
  assert.throws(() => seats.take(), { code: 'BAD_REQUEST' });
});

test('reasons of failed instances do not pile up; the newest stay', () => {
  const book = new FailureBook();
  const { failuresKeptMax } = limits.runtime;
  for (let i = 0; i <= failuresKeptMax; i += 1)
    book.keep(`i${i}`, { code: 'INSTANCE_EXITED', detail: `${i}` });
  assert.equal(book.find('i0'), undefined);
  assert.equal(book.find('i1')?.detail, '1');
  book.keep('i1', { code: 'INSTANCE_EXITED', detail: 'again' });
  book.keep('new', { code: 'INSTANCE_EXITED', detail: '' });
  assert.equal(book.find('i1')?.detail, 'again');
  assert.equal(book.find('i2'), undefined);
  book.forget('new');
  assert.equal(book.find('new'), undefined);
});
