import * as z from 'zod';
import { type ErrorCode, ERRORS } from '../core/errors.ts';

export const errorCode = z.custom<ErrorCode>(
  (value) => typeof value === 'string' && Object.hasOwn(ERRORS, value),
);
