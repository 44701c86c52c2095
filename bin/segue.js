#!/usr/bin/env node
/**
 * Starts the CLI with a Node that is new enough. Plain JavaScript that Node 20 can read: it may be run by any
 * Node there is, and looks for the right one beside Segue or in the project.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import module from 'node:module';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NODE_MAJOR = 24;
const here = dirname(dirname(fileURLToPath(import.meta.url)));

/** A checkout runs its source; the published package has only what was built from it. */
function cliMain() {
  const mains = [join(here, 'src', 'main', 'cli.ts'), join(here, 'dist', 'bundle', 'cli.js')];
  return mains.find((file) => existsSync(file));
}

/** @param {string} folder */
function* upwards(folder) {
  for (let at = folder; ; at = dirname(at)) {
    yield at;
    if (at === dirname(at)) return;
  }
}

/** The npm package `node` carries the program itself. */
function findNode() {
  for (const start of [here, process.cwd()])
    for (const folder of upwards(start)) {
      const carrier = join(folder, 'node_modules', 'node');
      try {
        const [, major] =
          /"version":\s*"(\d+)/.exec(readFileSync(join(carrier, 'package.json'), 'utf8')) ?? [];
        const program = join(carrier, 'bin', 'node');
        if (Number(major) >= NODE_MAJOR && existsSync(program)) return program;
      } catch {
        // Not here.
      }
    }
  return undefined;
}

/**
 * What this version compiles is kept for the next command, and for control and the gateway, which inherit the
 * variable: all start in half the time. It lies with the user whose program this is, whatever `HOME` says: whoever
 * may write there may choose what runs.
 */
function keepCompiled() {
  if (process.env.NODE_COMPILE_CACHE || process.env.NODE_DISABLE_COMPILE_CACHE) return;
  try {
    const folder = join(os.userInfo().homedir, '.cache', 'segue', 'compiled');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    process.env.NODE_COMPILE_CACHE = folder;
    module.enableCompileCache?.(folder);
  } catch {
    // Nobody's home, or one on a full disk: it starts as it would without.
  }
}

/**
 * @param {string} node
 * @param {string} main
 */
function runWith(node, main) {
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  // The child decides what a signal means; this process lives as long as it does.
  const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']);
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(`${node} could not be started: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    for (const each of signals) process.removeAllListeners(each);
    process.kill(process.pid, signal);
  });
}

/** @param {string} message */
function fail(message) {
  process.stderr.write(`segue: ${message}\n`);
  process.exit(2);
}

keepCompiled();
const main = cliMain();
if (main === undefined) fail('this installation has neither src/main/cli.ts nor dist/bundle/cli.js');
else if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR) await import(pathToFileURL(main).href);
else {
  const node = findNode();
  if (node === undefined)
    fail(
      `Node ${NODE_MAJOR} or newer is needed and this is ${process.version}. ` +
        `Run "npm install --save-dev node@${NODE_MAJOR}" in the project, or use a newer Node.`,
    );
  else runWith(node, main);
}
