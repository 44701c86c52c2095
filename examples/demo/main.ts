/**
 * `npm run demo`: releases of every kind under load, good ones and bad ones, and the receipt. Ends with 0 only
 * when no request failed, every scene went as it says and nothing was left running.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Cli } from './cli.ts';
import { isListening, processesOf } from './leftovers.ts';
import { DemoProject } from './project.ts';
import { printReceipt } from './receipt.ts';
import { SCENES, type Stage } from './scenes.ts';
import { paint, seconds, showScene } from './screen.ts';

const INTERRUPTED = 130;
/** A process that was asked to end may take this long to be gone. */
const GONE_WITHIN_MS = 3_000;

/** False: a scene failed, and has said why. */
async function perform(stage: Stage): Promise<boolean> {
  const live = () => {
    const stats = stage.load?.stats();
    return stats ? `${stats.answered} requests answered, ${stats.failed} failed` : '';
  };
  try {
    for (const scene of SCENES) await showScene(scene.title, live, () => scene.run(stage));
    await showScene('stop everything, and look whether anything is left', live, () => leave(stage));
    return true;
  } catch {
    return false;
  }
}

async function leave({ cli, load, project }: Stage): Promise<string> {
  // The crowd goes first: from here on there is nobody to answer.
  await load?.stop();
  await cli.down();
  const deadlineMs = performance.now() + GONE_WITHIN_MS;
  for (;;) {
    const processes = await processesOf(project.dir);
    const listening = await isListening(project.port);
    if (processes.length === 0 && !listening) return 'no process, no listener';
    if (performance.now() > deadlineMs) {
      const names = processes.map(({ pid, command }) => `${pid} (${command})`);
      throw new Error(`left: ${[...names, ...(listening ? [`port ${project.port}`] : [])].join(', ')}`);
    }
    await sleep(50);
  }
}

/** However the demo went: nothing of it goes on. */
async function cleanUp({ load, project }: Stage): Promise<void> {
  await load?.stop().catch(() => undefined);
  if ((await processesOf(project.dir)).length > 0) await new Cli(project.dir).down().catch(() => undefined);
  for (const { pid } of await processesOf(project.dir)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself meanwhile.
    }
  }
}

/** True when somebody in the crowd noticed something. */
async function showReceipt({ load, cutOvers }: Stage): Promise<boolean> {
  const summary = await load?.stop();
  if (!summary) return false;
  printReceipt(summary, cutOvers);
  return !summary.clean;
}

async function main(): Promise<number> {
  const startedAtMs = performance.now();
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupt.abort());
  const project = await DemoProject.create();
  const cli = new Cli(project.dir, interrupt.signal);
  const stage: Stage = { project, cli, interrupted: interrupt.signal, load: null, cutOvers: [] };
  console.log(`${paint('bold', 'Segue')}: a new version goes live and nobody notices.\n`);
  const played = await perform(stage);
  await cleanUp(stage);
  if (interrupt.signal.aborted) {
    await project.remove();
    console.log('\nInterrupted; nothing of the demo is left running.');
    return INTERRUPTED;
  }
  const noticed = await showReceipt(stage);
  const took = seconds(performance.now() - startedAtMs);
  if (played && !noticed) {
    await project.remove();
    console.log(`\n${paint('green', 'Nobody noticed.')} ${took} in all.`);
    return 0;
  }
  console.log(
    `\n${paint('red', noticed ? 'Somebody noticed.' : 'It did not go as it should.')} ${took} in all.`,
  );
  console.log(`Kept for a look: ${project.dir} (begin with .segue/control.log).`);
  return 1;
}

process.exitCode = await main();
