/** `flags:`, feature flags of the project, and `traffic.flags`, those that the gateway evaluates. */
import * as z from 'zod';
import { DEFAULT_FLAGS } from '../../core/flags/choices.ts';
import { limits } from '../../core/limits.ts';
import { listen } from './listen.ts';
import { duration, headerName, shortOrLong, text, whole } from './values.ts';

const NAMES_PHRASE = 'names of flags such as [checkout-v2], with * for any text';
const names = () =>
  z
    .array(z.string(NAMES_PHRASE).regex(/^[A-Za-z0-9._/*-]{1,100}$/, NAMES_PHRASE), NAMES_PHRASE)
    .min(1, NAMES_PHRASE)
    .max(limits.flags.namesMax, `at most ${limits.flags.namesMax} names`);

const key = shortOrLong(
  'a key such as env:FLAGS_KEY, or { key, flags }',
  text('a key'),
  z.strictObject(
    {
      key: text('a key').describe('env:NAME takes it from the environment of "segue up".'),
      flags: names().prefault(['*']).describe('Which flags it may ask for; * is any text.'),
    },
    'key and flags',
  ),
  (value) => ({ key: value }),
);

const ORIGIN = 'an origin such as https://shop.example.com, or "*"';

const ofrep = z.strictObject(
  {
    listen: listen().describe(
      'Where programs on other machines ask, by OpenFeature (OFREP): a port, or "host:port".',
    ),
    keys: z
      .array(key, 'a list of keys')
      .min(1, 'at least one key')
      .max(limits.flags.keysMax, `at most ${limits.flags.keysMax} keys`)
      .describe('Who may ask: each request has one, as "Authorization: Bearer KEY" or "X-API-Key: KEY".'),
    rate: whole(1, 1_000_000)
      .prefault(1000)
      .describe('Requests in a second, of each key. More are told to wait.'),
    origins: z
      .array(z.string(ORIGIN).regex(/^(?:\*|https?:\/\/[^\s/]+)$/, ORIGIN), 'a list of origins')
      .max(limits.flags.namesMax, `at most ${limits.flags.namesMax} origins`)
      .prefault([])
      .describe('Web pages that may ask from a browser.'),
  },
  'listen, keys, rate and origins',
);

const approval = z.strictObject(
  {
    flags: names().describe('Flags that nobody changes alone; * is any text.'),
    by: z
      .array(text('a name'), 'a list of names')
      .prefault([])
      .describe('Who may approve, as "segue flags history" names them. Without it: anybody else.'),
  },
  'flags and by',
);

const stale = shortOrLong(
  'a duration such as 30d, or { after, fail }',
  duration(0, limits.file.keepMaxMs),
  z
    .strictObject(
      {
        after: duration(0, limits.file.keepMaxMs)
          .prefault('30d')
          .describe('A flag that gave one variant for so long, or was not asked for, is stale.'),
        fail: z
          .boolean('true or false')
          .prefault(false)
          .describe('true: "segue check" fails for stale flags.'),
      },
      'after and fail',
    )
    .transform((value) => ({ afterMs: value.after, fail: value.fail })),
  (ms) => ({ after: `${ms}ms` }),
);

const DIR_PHRASE = 'a folder in the project such as flags';

export const flags = z.strictObject(
  {
    dir: z
      .string(DIR_PHRASE)
      .regex(/^(?!\/)(?!.*(?:^|\/)\.\.(?:\/|$)).+$/, DIR_PHRASE)
      .prefault(DEFAULT_FLAGS.dir)
      .describe("The folder of the definition files, *.flagd.json and *.flagd.yaml in flagd's format."),
    ofrep: ofrep
      .optional()
      .transform((value) => value ?? null)
      .describe('Open a port for programs that ask. Without it they ask on .segue/control.sock.'),
    reason: z.boolean('true or false').prefault(false).describe('true: every change at run time says why.'),
    approvals: z
      .array(approval, 'a list of { flags, by }')
      .max(limits.flags.namesMax, `at most ${limits.flags.namesMax} approvals`)
      .prefault([])
      .describe('Flags whose changes wait for a second person; "segue flags off" never waits.'),
    stale: stale.prefault({}).describe('When a flag has done its work: a duration or { after, fail }.'),
  },
  'dir, ofrep, reason, approvals and stale',
);

const KEY_PHRASE = 'where the user is named, { cookie: NAME } or { header: NAME }';

const edgeKey = z.union(
  [
    z
      .strictObject(
        { cookie: text('the name of a cookie').describe('The cookie that names the user.') },
        KEY_PHRASE,
      )
      .transform(({ cookie }) => ({ type: 'cookie' as const, name: cookie })),
    z
      .strictObject({ header: headerName().describe('The header that names the user.') }, KEY_PHRASE)
      .transform(({ header }) => ({ type: 'header' as const, name: header.toLowerCase() })),
  ],
  KEY_PHRASE,
);

/** For a service: evaluated with every request, and told to the instance. */
export const edgeFlags = shortOrLong(
  'names of flags, or { evaluate, key }',
  names(),
  z
    .strictObject(
      {
        evaluate: names().describe('The flags; * is any text.'),
        key: edgeKey
          .optional()
          .describe('Who the user is. Without it, the gateway gives each visitor a cookie.'),
      },
      'evaluate and key',
    )
    .transform(({ evaluate, key: by }) => ({ names: evaluate, key: by ?? null })),
  (evaluate) => ({ evaluate }),
);
