/** What the demo does, in order. A scene throws when what it promises did not happen. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReleaseRecord } from '../../src/core/release/records.ts';
import type { ServiceStatus } from '../../src/wire/api.ts';
import type { Load } from '../../test/load/summary.ts';
import { describe, type Cli, type Ended } from './cli.ts';
import { crowdOf } from './crowd.ts';
import type { DemoProject } from './project.ts';

/** Log-ins, first connections and the crowd's own start are no measure of anything. */
const WARM_UP_MS = 1_500;
const QUIET_MS = 4_000;
/** Traffic after the last release, so that a late failure is still seen. */
const AFTER_MS = 1_500;
const POLL_MS = 50;
const HALF_WAY_WITHIN_MS = 20_000;

export interface Stage {
  readonly project: DemoProject;
  readonly cli: Cli;
  readonly interrupted: AbortSignal;
  load: Load | null;
  /** Finished releases under load, each with the window of the load in which it ran. */
  readonly cutOvers: { readonly window: string; readonly release: ReleaseRecord }[];
}

export interface Scene {
  readonly title: string;
  /** Resolves with a few words about what came of it. */
  readonly run: (stage: Stage) => Promise<string>;
}

export const SCENES: readonly Scene[] = [
  {
    title: 'start control and gateway',
    run: async ({ cli, project }) => {
      await cli.up();
      return `users come in at http://127.0.0.1:${project.port}`;
    },
  },
  {
    title: 'deploy the shop, v1, in three instances',
    run: async ({ cli }) => {
      const release = finished(await cli.deploy('v1'));
      await expectServing(cli, 'v1');
      return took(release);
    },
  },
  {
    title: 'let a crowd in, and take the measure of a quiet time',
    run: async (stage) => {
      stage.load = await crowdOf(stage.project.port);
      await pause(WARM_UP_MS, stage);
      await stage.load.mark('before');
      await pause(QUIET_MS, stage);
      const { answered, streams } = stage.load.stats();
      if (answered === 0) throw new Error('nobody was answered');
      return `${answered} requests; ${streams.websocket.open} WebSockets and ${streams.sse.open} event streams open`;
    },
  },
  {
    title: 'rolling release, v1 to v2',
    run: (stage) =>
      underLoad(stage, 'rolling, v1 to v2', async ({ cli }) => {
        const release = finished(await cli.deploy('v2'));
        await expectServing(cli, 'v2');
        return release;
      }),
  },
  {
    title: 'blue-green release, v2 to v3',
    run: async (stage) => {
      await stage.project.useStrategy('blue-green');
      await stage.cli.up();
      return underLoad(stage, 'blue-green, v2 to v3', async ({ cli }) => {
        const release = finished(await cli.deploy('v3'));
        await expectServing(cli, 'v3');
        return release;
      });
    },
  },
  {
    title: 'a version that never gets ready is taken back',
    run: (stage) => underLoad(stage, 'v4, never ready', () => takenBack(stage, 'v4', 'INSTANCE_NOT_READY')),
  },
  {
    title: 'a version that fails its smoke test is taken back',
    run: (stage) => underLoad(stage, 'v5, broken home', () => takenBack(stage, 'v5', 'SMOKE_FAILED')),
  },
  {
    title: 'rollback by hand, v3 to v2',
    run: (stage) =>
      underLoad(stage, 'rollback, v3 to v2', async ({ cli }) => {
        const release = finished(await cli.rollback('to show how'));
        await expectServing(cli, 'v2');
        return release;
      }),
  },
  {
    title: 'kill -9 of control in the middle of a release, v2 to v6',
    run: async (stage) => {
      await stage.project.useStrategy('rolling');
      await stage.cli.up();
      return underLoad(stage, 'killed and resumed, v2 to v6', killedAndResumed);
    },
  },
];

/** Runs a release in a window of the load of its own and keeps it for the receipt. */
async function underLoad(
  stage: Stage,
  window: string,
  release: (stage: Stage) => Promise<ReleaseRecord>,
): Promise<string> {
  const { load } = stage;
  if (!load) throw new Error('there is no load');
  const before = load.stats();
  await load.mark(window);
  const record = await release(stage);
  stage.cutOvers.push({ window, release: record });
  await load.mark('between');
  await pause(AFTER_MS, stage);
  const { answered, failed } = load.stats();
  return `${took(record)}; ${answered - before.answered} requests, ${failed - before.failed} failed`;
}

async function takenBack(stage: Stage, version: string, code: string): Promise<ReleaseRecord> {
  const before = await webOf(stage.cli);
  const ended = await stage.cli.deploy(version);
  const release = ended.output?.release;
  if (ended.exitCode !== 3 || !release) throw new Error(`expected to be taken back: ${describe(ended)}`);
  const { state } = release;
  if (state.phase !== 'ended' || state.outcome !== 'rolled-back' || state.cause?.code !== code)
    throw new Error(`expected ${code}: ${JSON.stringify(state)}`);
  const after = await webOf(stage.cli);
  const untouched = idsOf(before).join() === idsOf(after).join() && after.stable === before.stable;
  if (!untouched)
    throw new Error(
      `the stable version was touched: ${idsOf(before).join(' ')}, then ${idsOf(after).join(' ')}`,
    );
  if (stage.load?.stats().versions[version]) throw new Error(`users met ${version}`);
  return release;
}

/** The `deploy` that started the release outlives control too, and tells its end. */
async function killedAndResumed(stage: Stage): Promise<ReleaseRecord> {
  const { cli } = stage;
  const deploying = cli.deploy('v6');
  const { release, pid } = await untilHalfWay(stage);
  process.kill(pid, 'SIGKILL');
  await cli.up();
  const ended = finished(await deploying);
  const { entries } = await cli.show(release);
  if (!entries.some(({ fact }) => fact.kind === 'release-resumed'))
    throw new Error('the release was over before control was killed');
  await expectServing(cli, 'v6');
  return ended;
}

/** Traffic has begun to move and has not moved whole. */
async function untilHalfWay(stage: Stage): Promise<{ release: string; pid: number }> {
  const deadlineMs = performance.now() + HALF_WAY_WITHIN_MS;
  while (performance.now() < deadlineMs) {
    const { control, services } = await stage.cli.status();
    const web = services.find(({ name }) => name === 'web');
    const serving = new Set(
      web?.instances.filter(({ traffic }) => traffic === 'serving').map((i) => i.version),
    );
    if (web?.release && serving.has('v6') && serving.has('v2'))
      return { release: web.release.id, pid: control.pid };
    await pause(POLL_MS, stage);
  }
  throw new Error('the release never got half way');
}

function finished(ended: Ended): ReleaseRecord {
  const release = ended.output?.release;
  if (ended.exitCode === 0 && release) return release;
  throw new Error(describe(ended));
}

async function expectServing(cli: Cli, version: string): Promise<void> {
  const web = await webOf(cli);
  const serving = web.instances.filter(({ traffic }) => traffic === 'serving');
  if (web.stable !== version || serving.length !== web.wanted || serving.some((i) => i.version !== version))
    throw new Error(
      `${version} should serve alone: ${serving.map((i) => `${i.id} ${i.version}`).join(', ')}`,
    );
}

async function webOf(cli: Cli): Promise<ServiceStatus> {
  const { services } = await cli.status();
  const web = services.find(({ name }) => name === 'web');
  if (!web) throw new Error('there is no service "web"');
  return web;
}

/** An instance that was restarted has another process: it is not the same. */
function idsOf(web: ServiceStatus): readonly string[] {
  const running = web.instances.filter(({ phase }) => phase === 'running');
  return running.map(({ id, pid }) => `${id}/${pid}`).toSorted();
}

function took({ startedAtMs, endedAtMs }: ReleaseRecord): string {
  return endedAtMs === null ? 'not ended' : `release ${((endedAtMs - startedAtMs) / 1_000).toFixed(1)} s`;
}

function pause(ms: number, { interrupted }: Stage): Promise<void> {
  return sleep(ms, undefined, { signal: interrupted });
}
