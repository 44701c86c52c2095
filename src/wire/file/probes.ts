/** `judge.probes:` of a service: requests that Segue sends itself, where users send too few. */
import * as z from 'zod';
import type { ProbesChoice } from '../../core/judge/guard-choices.ts';
import { limits } from '../../core/limits.ts';
import { smokeTest } from './smoke.ts';

const { probesPerSecondMax } = limits.guards;
const RATE = `a number above 0, at most ${probesPerSecondMax}`;
const REQUESTS = 'a list of requests such as { get: / }';

const SAFE_METHODS = ['GET', 'HEAD'];

export const probes = z
  .strictObject(
    {
      requests: z
        .array(smokeTest, REQUESTS)
        .min(1, REQUESTS)
        .max(limits.file.smokeTestsMax, `at most ${limits.file.smokeTestsMax} requests`)
        .describe('What is asked of stable and candidate, one after the other. Written as smoke tests are.'),
      perSecond: z
        .number(RATE)
        .gt(0, RATE)
        .max(probesPerSecondMax, RATE)
        .prefault(5)
        .describe('Requests per second, to both versions together.'),
      promote: z
        .boolean('true or false')
        .prefault(false)
        .describe("Whether they may stand in for users' requests, so that a stage passes without any."),
      unsafe: z
        .boolean('true or false')
        .prefault(false)
        .describe('Allows methods other than GET and HEAD, which may change something.'),
    },
    'requests, perSecond, promote and unsafe',
  )
  .transform(({ requests, perSecond, promote, unsafe }, context): ProbesChoice => {
    const sent = requests.filter((request) => request.type === 'http');
    const refuse = (message: string): never => {
      context.issues.push({ code: 'custom', input: requests, message, path: ['requests'] });
      return z.NEVER;
    };
    if (sent.length < requests.length) return refuse('HTTP requests only: a command has no side');
    if (!unsafe && sent.some(({ method }) => !SAFE_METHODS.includes(method)))
      return refuse('GET and HEAD only, unless unsafe is true');
    return { requests: sent, perSecond, promote };
  });
