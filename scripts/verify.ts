/**
 * Everything that can be judged without running Segue: format, lint, types, unused code, the repository's own
 * rules. With --unit the unit tests too. One line per step, and the output of the steps that failed.
 */
import { spawn } from 'node:child_process';

interface Step {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

interface Result {
  readonly step: Step;
  readonly passed: boolean;
  readonly output: string;
}

const RULES = ['test/tidy.test.ts', 'test/docs.test.ts', 'test/walls.test.ts'];

/** Longest first: two run at a time. */
const STEPS: readonly Step[] = [
  { name: 'format', command: ['prettier', '--check', '--log-level', 'warn', '.'] },
  { name: 'types', command: ['tsc', '-b'] },
  { name: 'unused', command: ['knip', '--no-progress'] },
  { name: 'lint', command: ['oxlint', '--type-aware', '--deny-warnings', '.'] },
  { name: 'tidy', command: ['node', '--test', '--test-reporter=spec', ...RULES] },
];
const UNIT: Step = { name: 'unit', command: ['node', 'scripts/test.ts', 'unit'] };

const stepsAtOnce = 2;
const stepTimeoutMs = 10 * 60_000;

async function run(step: Step): Promise<Result> {
  const startedAtMs = performance.now();
  const [program, ...args] = step.command;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: stepTimeoutMs });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const passed = exitCode === 0;
  const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
  console.log(`${passed ? 'ok    ' : 'FAILED'}  ${step.name.padEnd(8)} ${seconds.padStart(5)} s`);
  return { step, passed, output: Buffer.concat(chunks).toString() };
}

async function runAll(steps: readonly Step[]): Promise<readonly Result[]> {
  const queue = [...steps];
  const results: Result[] = [];
  const worker = async () => {
    for (let step = queue.shift(); step; step = queue.shift()) results.push(await run(step));
  };
  await Promise.all(Array.from({ length: stepsAtOnce }, worker));
  return results;
}

function report(results: readonly Result[]): boolean {
  const failed = results.filter((result) => !result.passed);
  for (const { step, output } of failed)
    console.log(`\n--- ${step.name}: ${step.command.join(' ')}\n${output.trimEnd()}`);
  return failed.length === 0;
}

const steps = process.argv.includes('--unit') ? [...STEPS, UNIT] : STEPS;
process.exitCode = report(await runAll(steps)) ? 0 : 1;
