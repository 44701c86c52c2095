/**
 * Scenarios of the public suites that do not hold for one of the ways to ask, each with the reason. The list is exact:
 * what stands here is played, too, and must not hold; what is in `holds` does, though others like it do not.
 */
import type { FaceName } from './flag-faces.ts';
import type { SuiteName } from './flag-suites.ts';

export interface LeftOut {
  readonly why: string;
  readonly suite: SuiteName;
  readonly file: string;
  readonly faces: readonly FaceName[];
  /** The names of scenarios, with all their rows; or all that have this tag. */
  readonly scenarios: readonly string[] | { readonly tag: string };
  /** Rows of them; without it all. */
  readonly rows?: readonly string[];
  readonly holds?: readonly string[];
}

const ALL = ['evaluator', 'server', 'socket', 'web'] as const;
const SERVERS = ['server', 'socket'] as const;
const PROVIDERS = ['server', 'socket', 'web'] as const;

const OPTIONS = "options of flagd's own providers, which ask flagd by gRPC; programs ask Segue by OFREP";
const GRPC = "how flagd's own providers get along without their gRPC stream; programs ask Segue by OFREP";
const SELECTOR =
  'sets of flags with the same names; in Segue a flag is in one file, and all files are one set';
const SYNC = 'flagd adds to the context what the source of its flags sends along; files send nothing';
const SDK = "what an SDK does by itself, the same with any provider: nothing of it reaches Segue's side";
const STATES =
  'states into which a test brings a provider; that of OFREP for servers has no state, and is always ready';
const CACHED =
  'no answer is kept by the providers of OFREP for servers, or has this reason in the one for web pages';
const FIRST_HASH = 'the first hashing of shares, which flagd gave up for the one that we have';
const NEXT_HASH =
  'the next hashing of shares, which our reference, @openfeature/flagd-core 4.0.1, does not have; users stay where they are';
const GIVEN_UP = 'given up by flagd: since then "no default" has the reason DEFAULT and no error';
const NO_VALUE =
  '@openfeature/ofrep-provider 0.1.3 takes an answer without a value (codeDefaultFlag of OFREP 0.3.0) for an error; its value is right';
const REFUSED_FILE =
  'control refuses a file with such a rule, with its place, and the last good files stay in force';
const NO_HOOKS = 'hooks are of SDKs, and this is none';
const NO_EVENTS = 'it has no events';

export const LEFT_OUT: readonly LeftOut[] = [
  {
    ...{ why: FIRST_HASH, suite: 'flagd-evaluator', file: 'fractional.feature', faces: ['evaluator'] },
    scenarios: { tag: '@fractional-v1' },
    holds: [
      'Fractional operator shorthand (jon@company.com, heads)',
      'Fractional operator shorthand (jane@company.com, tails)',
      'Fractional operator with shared seed (jack, hearts)',
      'Fractional operator with shared seed (ten, hearts)',
      'Second fractional operator with shared seed (jack, ace-of-hearts)',
      'Second fractional operator with shared seed (ten, ace-of-hearts)',
    ],
  },
  {
    ...{ why: FIRST_HASH, suite: 'flagd', file: 'targeting.feature', faces: ALL },
    scenarios: { tag: '@fractional-v1' },
    holds: [
      'Fractional operator shorthand (jon@company.com, heads)',
      'Fractional operator shorthand (jane@company.com, tails)',
      'Fractional operator with shared seed (jack, hearts)',
      'Fractional operator with shared seed (ten, hearts)',
      'Second fractional operator with shared seed (jack, ace-of-hearts)',
      'Second fractional operator with shared seed (ten, ace-of-hearts)',
    ],
  },
  {
    ...{ why: NEXT_HASH, suite: 'flagd', file: 'targeting.feature', faces: ALL },
    scenarios: { tag: '@fractional-v3' },
    holds: [
      'Fractional operator (ten, clubs)',
      'Fractional operator shorthand (jane@company.com, tails)',
      'Fractional operator with shared seed (seven, hearts)',
      'Second fractional operator with shared seed (seven, ace-of-hearts)',
      'Fractional operator using implicit targeting key (user-1, heads)',
      'Fractional operator invalid implicit inputs (irrelevant, String, none)',
    ],
  },
  {
    ...{ why: REFUSED_FILE, suite: 'flagd', file: 'targeting.feature', faces: PROVIDERS },
    scenarios: ['Ref to nonexistent evaluator yields parse error'],
  },
  {
    ...{ why: REFUSED_FILE, suite: 'flagd', file: 'targeting.feature', faces: PROVIDERS },
    scenarios: ['Errors and edge cases'],
    rows: ['error-targeting-flag, 3, PARSE_ERROR', 'missing-variant-targeting-flag, 3, GENERAL'],
  },
  {
    ...{ why: OPTIONS, suite: 'flagd', file: 'config.feature', faces: ALL },
    scenarios: [
      'Default Config',
      'Default Config RPC',
      'Default Config In-Process',
      'File Backwards compatibility',
      'Default Config File',
      'Dedicated Config',
      'Dedicated Config via Env_var',
      'Dedicated Config via Env_var special In-process case',
      'Dedicated Config via Env_var special file case',
      'Dedicated Config via Env_var and set',
      'FLAGD_SYNC_PORT takes priority over FLAGD_PORT',
    ],
  },
  {
    why: 'the port for OFREP is plain HTTP; with TLS it is behind the gateway',
    ...{ suite: 'flagd', file: 'connection.feature', faces: ALL },
    ...{ scenarios: ['Connection'], rows: ['ssl'] },
  },
  {
    why: "told of the face that asks over control's own socket",
    ...{ suite: 'flagd', file: 'connection.feature', faces: ['evaluator', 'server', 'web'] },
    ...{ scenarios: ['Connection'], rows: ['socket'] },
  },
  {
    ...{ why: GRPC, suite: 'flagd', file: 'connection.feature', faces: ALL },
    scenarios: ['Provider reconnection', 'Provider unavailable', 'Provider forbidden'],
  },
  {
    ...{ why: OPTIONS, suite: 'flagd', file: 'connection.feature', faces: ALL },
    scenarios: [
      'Connection via TargetUri rpc',
      'Connection via TargetUri in-process',
      'Re-Connection via TargetUri in-process',
      'Re-Connection via TargetUri in-process with grace period',
    ],
  },
  {
    ...{ why: SYNC, suite: 'flagd', file: 'contextEnrichment.feature', faces: ALL },
    scenarios: [
      'Use enriched context',
      'Use enriched context on connection error for IN-PROCESS',
      'Use enriched context on connection error for RPC',
      'Use enriched context on RPC connection will not cache the value',
    ],
  },
  {
    ...{ why: SYNC, suite: 'flagd', file: 'sync-payload.feature', faces: ALL },
    scenarios: [
      'Use enriched context',
      'Use enriched context on connection error for IN-PROCESS',
      'Resolve value independent of context',
    ],
  },
  {
    ...{ why: SELECTOR, suite: 'flagd', file: 'selector.feature', faces: ALL },
    scenarios: ['Flags not found', 'Resolve values'],
  },
  {
    ...{ why: SELECTOR, suite: 'flagd', file: 'disabled.feature', faces: ALL },
    scenarios: ['Flag disabled in one flag set, enabled in another'],
  },
  {
    ...{ why: NO_VALUE, suite: 'flagd', file: 'disabled.feature', faces: SERVERS },
    scenarios: ['Evaluating a disabled flag returns reason DISABLED and code default'],
  },
  {
    ...{ why: GIVEN_UP, suite: 'flagd', file: 'evaluation.feature', faces: ALL },
    scenarios: ['Resolves flag with no defaultValue correctly'],
    holds: [
      'Resolves flag with no defaultValue correctly (no-default-flag-null-targeting-variant, String, jobs@orange.com, CEO, CEO, TARGETING_MATCH, )',
    ],
  },
  {
    ...{ why: NO_VALUE, suite: 'flagd', file: 'evaluation.feature', faces: SERVERS },
    scenarios: ['Resolves flag with no default variant correctly'],
    holds: [
      'Resolves flag with no default variant correctly (no-default-flag-null-targeting-variant, String, jobs@orange.com, CEO, CEO, TARGETING_MATCH)',
    ],
  },
  {
    ...{ why: GRPC, suite: 'flagd', file: 'events.feature', faces: ALL },
    scenarios: [
      'Provider events chain ready -> error -> ready',
      'Provider events chain ready -> stale -> error -> ready',
      'Provider events chain ready -> stale -> ready',
    ],
  },
  {
    ...{ why: NO_EVENTS, suite: 'flagd', file: 'events.feature', faces: ['evaluator', ...SERVERS] },
    scenarios: ['Flag change event'],
  },
  {
    ...{ why: CACHED, suite: 'flagd', file: 'rpc-caching.feature', faces: ALL },
    scenarios: [
      'Resolves <type> details with caching',
      'Flag change event with caching',
      'Stale and Error stage',
    ],
  },
  {
    ...{ why: SDK, suite: 'openfeature', file: 'contextMerging.feature', faces: ALL },
    scenarios: [
      'A context entry is added to a single level',
      'For a transaction, a context entry is added to each level with different keys',
      'For a hook, a context entry is added to each level with different keys',
      'For a transaction and a hook, a context entry is added to each level with different keys',
      'For a transaction, a context entry in one level overwrites values with the same key from preceding levels',
      'For a hook, a context entry in one level overwrites values with the same key from preceding levels',
      'For a transaction and a hook, context entry in one level overwrites values with the same key from preceding levels',
    ],
  },
  {
    ...{ why: STATES, suite: 'openfeature', file: 'evaluation_v2.feature', faces: ALL },
    scenarios: ['Provider not ready error', 'Provider in fatal state error'],
  },
  {
    ...{ why: STATES, suite: 'openfeature', file: 'evaluation_v2.feature', faces: PROVIDERS },
    scenarios: ['Provider status accessibility'],
    holds: ['Provider status accessibility (stable, READY)'],
  },
  {
    ...{ why: NO_EVENTS, suite: 'openfeature', file: 'evaluation_v2.feature', faces: ['evaluator'] },
    scenarios: ['Provider status accessibility'],
  },
  {
    ...{ why: CACHED, suite: 'openfeature', file: 'evaluation_v2.feature', faces: ALL },
    scenarios: ['CACHED reason'],
  },
  {
    ...{ why: NO_VALUE, suite: 'openfeature', file: 'evaluation_v2.feature', faces: SERVERS },
    scenarios: ['DISABLED reason'],
  },
  {
    ...{ why: SDK, suite: 'openfeature', file: 'evaluation_v2.feature', faces: ALL },
    scenarios: [
      'Evaluation options with hooks',
      'Evaluation context immutability',
      'Asynchronous flag evaluation',
    ],
  },
  {
    ...{ why: NO_HOOKS, suite: 'openfeature', file: 'hooks.feature', faces: ['evaluator'] },
    scenarios: ['Passes evaluation details to after and finally hooks', 'Flag not found', 'Type error'],
  },
];
