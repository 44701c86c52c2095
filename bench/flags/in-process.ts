/** One flag that is shared out by a hash, asked in the same process: ours, flagd's evaluator, and Unleash's client. */
import { FlagdCore } from '@openfeature/flagd-core';
import { InMemStorageProvider, Unleash } from 'unleash-client';
import { FlagSet } from '../../src/core/flags/flag-set.ts';
import { SPLIT_FLAG } from '../../test/support/split-flag.ts';

const ROUNDS = 5;
const EVALUATIONS = 100_000;
const quiet = { error() {}, warn() {}, info() {}, debug() {} };

export interface InProcess {
  readonly name: string;
  /** Of the rounds, in microseconds for one evaluation. */
  readonly us: readonly number[];
}

export async function measureInProcess(): Promise<readonly InProcess[]> {
  const set = new FlagSet({ checkout: SPLIT_FLAG });
  const core = new FlagdCore(undefined, quiet);
  core.setConfigurations(JSON.stringify({ flags: { checkout: SPLIT_FLAG } }));
  const unleash = await unleashClient();
  const asks: Readonly<Record<string, (user: string) => unknown>> = {
    segue: (user) => set.evaluate('checkout', { targetingKey: user }, 0),
    'flagd-core': (user) => core.resolveBooleanEvaluation('checkout', false, { targetingKey: user }, quiet),
    'unleash-client': (user) => unleash.isEnabled('checkout', { userId: user }),
  };
  const results = Object.entries(asks).map(([name, ask]) => ({ name, us: rounds(ask) }));
  unleash.destroy();
  return results;
}

function rounds(ask: (user: string) => unknown): number[] {
  const once = () => {
    const beganMs = performance.now();
    for (let user = 0; user < EVALUATIONS; user += 1) ask(`user-${user}`);
    return ((performance.now() - beganMs) * 1000) / EVALUATIONS;
  };
  once();
  return Array.from({ length: ROUNDS }, once);
}

async function unleashClient(): Promise<Unleash> {
  const strategy = {
    name: 'flexibleRollout',
    parameters: { rollout: '50', stickiness: 'userId', groupId: 'checkout' },
    constraints: [],
  };
  const feature = {
    name: 'checkout',
    type: 'release',
    enabled: true,
    stale: false,
    impressionData: false,
    project: 'default',
    strategies: [strategy],
    variants: [],
  };
  const unleash = new Unleash({
    url: 'http://127.0.0.1:1/',
    appName: 'bench',
    refreshInterval: 0,
    disableMetrics: true,
    skipInstanceCountWarning: true,
    storageProvider: new InMemStorageProvider(),
    bootstrap: { data: [feature] as never },
  });
  unleash.on('error', () => undefined);
  unleash.on('warn', () => undefined);
  await new Promise((resolve) => unleash.once('ready', resolve));
  return unleash;
}
