import assert from 'node:assert/strict';
import type { ErrorCode } from '../../src/core/errors.ts';
import { ApiFailure } from './api-client.ts';

/** Control refused it, and with this code; gives the detail. */
export async function refused(code: ErrorCode, answer: Promise<unknown>): Promise<string> {
  const error: unknown = await answer.then(
    () => assert.fail(`not refused with ${code}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ApiFailure, String(error));
  assert.equal(error.error.code, code, error.message);
  return error.error.detail;
}
