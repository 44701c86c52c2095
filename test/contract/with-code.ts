import assert from 'node:assert/strict';
import { type ErrorCode, SegueError } from '../../src/core/errors.ts';

/** For `assert.rejects` and `assert.throws`: exactly this error of the table, with this in its detail. */
export const withCode =
  (code: ErrorCode, detail = '') =>
  (error: unknown): true => {
    assert.ok(error instanceof SegueError, `expected ${code}, got ${String(error)}`);
    assert.equal(error.code, code, error.message);
    assert.ok(error.detail.includes(detail), `"${detail}" is not in: ${error.detail}`);
    return true;
  };
