/** What happens to the system while the crowd is in it. An act throws when it did not end as it should. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cli, describe, type Ended } from '../../examples/demo/cli.ts';
import type { Chance } from '../../test/support/chance.ts';
import { type Kill, killWorker } from './kill.ts';
import { type SoakProject, WORKERS } from './project.ts';
import { membersOf } from './watch.ts';

const DONE = 0;
const TAKEN_BACK = 3;
const POLL_MS = 20;
const PATIENCE_MS = 30_000;

export interface Stage {
  readonly project: SoakProject;
  readonly cli: Cli;
  readonly chance: Chance;
  /** Filled by the acts that kill a worker. */
  readonly kills: Kill[];
}

export interface Act {
  readonly name: string;
  /** Kills or replaces processes of Segue's own, so that their memory starts anew. */
  readonly ends: boolean;
  /** How many releases come to their end in it. */
  readonly releases: number;
  readonly run: (stage: Stage) => Promise<void>;
}

const release: Act = {
  name: 'release',
  ends: false,
  releases: 1,
  async run({ project, cli, chance }) {
    await project.use({ strategy: chance.once(2) ? 'rolling' : 'blue-green' });
    const version = await project.build();
    expectExit(await cli.deploy(version), DONE);
    await expectServing(cli, version);
    await project.forget(version);
  },
};

const badRelease: Act = {
  name: 'bad release, taken back',
  ends: false,
  releases: 1,
  async run({ project, cli }) {
    const stable = await stableOf(cli);
    const version = await project.build('broken-home');
    expectExit(await cli.deploy(version), TAKEN_BACK);
    await expectServing(cli, stable);
    await project.forget(version);
  },
};

/** Whether it comes in time to be in the middle, is left to chance; afterwards exactly one version serves. */
const abort: Act = {
  name: 'release, aborted',
  ends: false,
  releases: 1,
  async run({ project, cli, chance }) {
    const version = await project.build();
    const deployed = cli.deploy(version);
    await sleep(200 + chance.below(1_000));
    await cli.run('abort', 'web', '--reason', 'soak');
    const { exitCode, text } = await deployed;
    if (exitCode !== DONE && exitCode !== TAKEN_BACK) throw new Error(`deploy of ${version}: ${text}`);
    await expectOneServes(cli);
    await project.forget(version);
  },
};

const rollback: Act = {
  name: 'rollback',
  ends: false,
  releases: 0,
  async run({ cli }) {
    const stable = await stableOf(cli);
    expectExit(await cli.rollback('soak'), DONE);
    if ((await stableOf(cli)) === stable) throw new Error(`${stable} still serves`);
    await expectOneServes(cli);
  },
};

const routing: Act = {
  name: 'routing change',
  ends: false,
  releases: 0,
  async run({ project, cli, chance }) {
    const { hold, narrowRoute, quietPort } = project.shape;
    const changes = [
      { hold: hold === '8s' ? '12s' : '8s' },
      { narrowRoute: !narrowRoute },
      { quietPort: quietPort === 0 ? 1 : 0 },
    ] as const;
    await project.use(changes[chance.below(changes.length)] ?? {});
    expectExit(await cli.up(), DONE);
  },
};

const killControl: Act = {
  name: 'kill -9 of control in a release',
  ends: true,
  releases: 1,
  async run({ project, cli, chance }) {
    const version = await project.build();
    const deployed = cli.deploy(version);
    await sleep(300 + chance.below(1_000));
    const control = (await membersOf(project.dir)).find(({ role }) => role === 'control');
    if (!control) throw new Error('control is gone');
    process.kill(control.pid, 'SIGKILL');
    await untilGone(control.pid);
    expectExit(await cli.up(), DONE);
    const { exitCode, text } = await deployed;
    // Killed before it took the order, it never had one.
    if (exitCode !== DONE && !text.includes('CONTROL_')) throw new Error(`deploy of ${version}: ${text}`);
    await until('its release ends', async () => (await webOf(cli)).release === null);
    await expectOneServes(cli);
    await project.forget(version);
  },
};

const workerKilled: Act = {
  name: 'kill -9 of a gateway worker',
  ends: true,
  releases: 0,
  async run({ project, cli, chance, kills }) {
    const serving = await servingWorkers(cli);
    const pid = serving[chance.below(serving.length)];
    if (pid === undefined) throw new Error('no worker serves');
    kills.push(await killWorker(pid, project.port));
    await until('it is replaced', async () => {
      const now = await servingWorkers(cli);
      return now.length === WORKERS && !now.includes(pid);
    });
  },
};

const upgrade: Act = {
  name: 'gateway upgrade',
  ends: true,
  releases: 0,
  async run({ cli }) {
    const before = await servingWorkers(cli);
    expectExit(await cli.run('up', '--renew-gateway'), DONE);
    await until('new workers serve', async () => {
      const now = await servingWorkers(cli);
      return now.length === WORKERS && !now.some((pid) => before.includes(pid));
    });
  },
};

/** One round has each of them once, in an order of its own. */
export const ACTS: readonly Act[] = [
  release,
  release,
  badRelease,
  abort,
  rollback,
  routing,
  killControl,
  workerKilled,
  upgrade,
];

function expectExit(ended: Ended, exitCode: number): void {
  if (ended.exitCode !== exitCode) throw new Error(`exit code ${ended.exitCode}: ${describe(ended)}`);
}

async function servingWorkers(cli: Cli): Promise<readonly number[]> {
  const { workers } = (await cli.status()).gateway;
  return workers.filter(({ stage }) => stage === 'serving').map(({ pid }) => pid);
}

async function webOf(cli: Cli) {
  const web = (await cli.status()).services.find(({ name }) => name === 'web');
  if (!web) throw new Error('the shop is not in the status');
  return web;
}

async function stableOf(cli: Cli): Promise<string> {
  const { stable } = await webOf(cli);
  if (stable === null) throw new Error('nothing serves');
  return stable;
}

async function expectServing(cli: Cli, version: string): Promise<void> {
  const stable = await stableOf(cli);
  if (stable !== version) throw new Error(`${stable} serves in place of ${version}`);
  await expectOneServes(cli);
}

/** R5, R9: every instance is of the one version that serves. */
async function expectOneServes(cli: Cli): Promise<void> {
  await until('one version serves', async () => {
    const { instances, stable, wanted } = await webOf(cli);
    const serving = instances.filter((each) => each.version === stable && each.traffic === 'serving');
    return instances.length === wanted && serving.length === wanted;
  });
}

async function untilGone(pid: number): Promise<void> {
  await until(`process ${pid} ends`, () => {
    try {
      return Promise.resolve(!process.kill(pid, 0));
    } catch {
      return Promise.resolve(true);
    }
  });
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > untilMs) throw new Error(`not within ${PATIENCE_MS / 1_000} s: ${what}`);
    await sleep(POLL_MS);
  }
}
