/** `smoke:` of a service: what must work before and after traffic moves. */
import * as z from 'zod';
import type { SmokeTest } from '../../core/project.ts';
import { command, duration, headers, text, urlPath, whole } from './values.ts';

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete'] as const;

const expectation = z.strictObject(
  {
    status: whole(100, 599).optional().describe('The status that must come. Without it: 200 to 399.'),
    contains: text('a piece of text').optional().describe('Text that the body must contain.'),
    headers: headers().prefault({}).describe('Headers that the response must have.'),
  },
  'status, contains and headers',
);

/** One flat form rather than a union per method: editors then complete it and errors name the very key. */
export const smokeTest = z
  .strictObject(
    {
      get: urlPath().optional().describe('Path to GET.'),
      head: urlPath().optional().describe('Path to HEAD.'),
      post: urlPath().optional().describe('Path to POST.'),
      put: urlPath().optional().describe('Path to PUT.'),
      patch: urlPath().optional().describe('Path to PATCH.'),
      delete: urlPath().optional().describe('Path to DELETE.'),
      command: command().optional().describe('A command that must end with exit code 0.'),
      headers: headers().optional().describe('Headers of the request.'),
      body: z.string('text').optional().describe('Body of the request.'),
      expect: expectation.optional().describe('What the response must be.'),
      timeout: duration(1).prefault('10s').describe('No result after this is a failure.'),
    },
    'a smoke test such as { get: / } or { command: node smoke.js }',
  )
  .transform((test, context): SmokeTest => {
    const methods = METHODS.filter((method) => test[method] !== undefined);
    const refuse = (message: string, path: string[] = []): never => {
      context.issues.push({ code: 'custom', input: test, message, path });
      return z.NEVER;
    };
    if (methods.length + (test.command === undefined ? 0 : 1) !== 1)
      return refuse(`exactly one of ${METHODS.join(', ')} and command`);
    if (test.command !== undefined) {
      const stray = (['headers', 'body', 'expect'] as const).find((key) => test[key] !== undefined);
      if (stray) return refuse('nothing here: only HTTP requests take it', [stray]);
      return { type: 'command', command: test.command, timeoutMs: test.timeout };
    }
    const method = methods[0] ?? 'get';
    return {
      type: 'http',
      method: method.toUpperCase(),
      path: test[method] ?? '/',
      headers: test.headers ?? {},
      body: test.body ?? null,
      expect: {
        status: test.expect?.status ?? null,
        contains: test.expect?.contains ?? null,
        headers: test.expect?.headers ?? {},
      },
      timeoutMs: test.timeout,
    };
  });
