/** `run:` of a service: how an instance is started, and asked to end. */
import * as z from 'zod';
import { command, duration, nothing, shortOrLong, textOrNumber } from './values.ts';

/** What Segue sets for every instance; a value here would never be seen. */
const ENV_PHRASE = 'the name of a variable other than PORT and SEGUE_*, which Segue sets itself';
const ENV_NAME = /^(?!PORT$)(?!SEGUE_)[A-Za-z_][A-Za-z0-9_]*$/;
const ENV_VALUE = 'text, a number, true or false; env:NAME takes it from the environment of "segue up"';

const signal = z
  .enum(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'], 'a signal such as SIGTERM')
  .prefault('SIGTERM')
  .describe('The signal that asks the program to end.');

const stop = z
  .strictObject(
    { signal, within: duration().prefault('30s').describe('What has not ended after this is killed.') },
    'signal and within',
  )
  .transform((value) => ({ signal: value.signal, withinMs: value.within }));

const workerStop = z
  .strictObject({ signal, within: nothing('the drain of a worker says how long its jobs get') }, 'signal')
  .transform((value) => ({ signal: value.signal, withinMs: null }));

const words = {
  command: command().describe('Starts one instance; run in the released folder, with PORT set.'),
  env: z
    .record(z.string(ENV_PHRASE).regex(ENV_NAME, ENV_PHRASE), textOrNumber(ENV_VALUE), 'variables')
    .prefault({})
    .describe('Environment variables. env:NAME takes the value from where "segue up" is run.'),
};

const PHRASE = 'a command such as node server.js, or { command, env, stop }';
const KEYS = 'command, env and stop';
const HOW = 'How an instance is asked to end.';

export const run = shortOrLong(
  PHRASE,
  command(),
  z.strictObject({ ...words, stop: stop.prefault({}).describe(HOW) }, KEYS),
  (value) => ({ command: value }),
);

export const workerRun = shortOrLong(
  PHRASE,
  command(),
  z.strictObject({ ...words, stop: workerStop.prefault({}).describe(HOW) }, KEYS),
  (value) => ({ command: value }),
);
