/**
 * Runs tests with Node's own runner, always the same way:
 *   node scripts/test.ts unit              src/**, in seconds
 *   node scripts/test.ts all               those and test/**, in one run
 *   node scripts/test.ts FILE...           these files; arguments that begin with - go to the runner
 * Tests under test/ have Segue's programs as they are published, bundled anew for each run.
 * Under CI=true a skipped test fails the run unless `SKIPS_ALLOWED` names it.
 */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { bundle } from './bundle.ts';

/** Names of tests that may be skipped in CI, each with the reason. */
const SKIPS_ALLOWED: Readonly<Record<string, string>> = {
  'the example in Go': 'a tool chain of half a gigabyte for one example',
  'the cases of llhttp': 'they lie beside the project, not in it',
  'the suites of flagd and OpenFeature, by the evaluator': 'they lie beside the project, not in it',
  'the suites of flagd and OpenFeature, by OFREP': 'they lie beside the project, not in it',
};

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  unit: ['src/**/*.test.ts'],
  all: ['src/**/*.test.ts', 'test/**/*.test.ts'],
};

const root = dirname(import.meta.dirname);
const TEST_PROGRAMS = [
  'test/support/crash-control.ts',
  'test/integration/fixtures/few-descriptors-gateway.ts',
];
const PRELOADED = ['test/support/property-seed.ts', 'test/support/ending.ts'];

/** Files at once. Most of a file's time is waiting for processes, whatever the machine. */
const concurrency = 3;
/** For one test. Generous: it ends what hangs, it judges nothing. A file that does not end: test/support/ending.ts. */
const testTimeoutMs = 10 * 60_000;

function filesFor(args: readonly string[]): readonly string[] {
  const named = args.filter((arg) => !arg.startsWith('-'));
  return (named.length === 0 ? ['unit'] : named).flatMap((arg) => {
    const patterns = GROUPS[arg];
    return patterns ? globSync([...patterns]).toSorted() : [arg];
  });
}

function runnerArgs(files: readonly string[], options: readonly string[], tapFile: string): string[] {
  return [
    '--disable-warning=ExperimentalWarning',
    ...PRELOADED.map((file) => `--import=${join(root, file)}`),
    '--test',
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${testTimeoutMs}`,
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    '--test-reporter=tap',
    `--test-reporter-destination=${tapFile}`,
    ...options,
    ...files,
  ];
}

/** What npm would install, and beside it the programs of tests that have control inside. */
async function layPackage(folder: string): Promise<void> {
  await bundle(join(folder, 'dist', 'bundle'), TEST_PROGRAMS);
  for (const part of ['bin', 'package.json', 'segue.schema.json', 'segue.change.schema.json'])
    await cp(join(root, part), join(folder, part), { recursive: true });
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
}

/**
 * The exit code of the runner; a signal to this process goes on to it, so that nothing is left running. What a process
 * compiles, the thousands after it need not: half of what it takes to start one.
 */
function runTests(args: readonly string[], scratch: string, more: NodeJS.ProcessEnv): Promise<number> {
  const env = { ...process.env, ...more, NODE_COMPILE_CACHE: join(scratch, 'compiled') };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'inherit', 'inherit'] });
  const pass = (signal: NodeJS.Signals) => child.kill(signal);
  process.on('SIGINT', pass);
  process.on('SIGTERM', pass);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

/** The runner's own last lines, `# tests 12` and those after it, as it wrote them. */
function summaryOf(tap: string): string {
  const start = tap.lastIndexOf('\n# tests ');
  return start === -1 ? '' : tap.slice(start + 1).trimEnd();
}

function skipsRefused(tap: string): readonly string[] {
  const skips = tap.matchAll(/^\s*(?:not )?ok \d+ - (.*?) # ([A-Z]+)(.*)$/gm);
  return [...skips]
    .filter(([, name = '']) => !Object.hasOwn(SKIPS_ALLOWED, name))
    .map(([, name = '', kind = '', why = '']) => `${name} (${kind.toLowerCase()}${why})`);
}

async function main(args: readonly string[]): Promise<number> {
  const files = filesFor(args);
  if (files.length === 0) throw new Error(`no test files for: ${args.join(' ')}`);
  const scratch = await mkdtemp(join(tmpdir(), 'segue-test-'));
  const tapFile = join(scratch, 'results.tap');
  try {
    const options = args.filter((arg) => arg.startsWith('-'));
    const installed = join(scratch, 'package');
    const needed = files.some((file) => relative(root, file).startsWith('test'));
    if (needed) await layPackage(installed);
    const env = needed ? { SEGUE_TEST_PACKAGE: installed } : {};
    const exitCode = await runTests(runnerArgs(files, options, tapFile), scratch, env);
    const tap = await readFile(tapFile, 'utf8');
    const refused = process.env.CI === 'true' ? skipsRefused(tap) : [];
    for (const skip of refused) console.error(`skipped, which CI does not allow: ${skip}`);
    console.log(`\n${summaryOf(tap) || 'the runner wrote no summary'}`);
    return exitCode === 0 && refused.length > 0 ? 1 : exitCode;
  } finally {
    // A process that ends just now may still write down what it compiled.
    await rm(scratch, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

process.exitCode = await main(process.argv.slice(2));
