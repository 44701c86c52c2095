/**
 * Makes node_modules what package.json and package-lock.json ask for, and does nothing when it is already.
 * Runs on any Node from 20, from any folder, with stdin closed. Two at once: the second waits.
 * `npm install` and not `npm ci`: see docs/adr/0001-npm-install-not-ci.md.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, 'node_modules', '.bin');
const stamp = join(root, 'node_modules', '.segue-install');
const lock = join(root, '.build', 'install.lock');

const NODE_MAJOR = 24;
const sayAfterMs = 1_000;
const lockPollIntervalMs = 200;
const lockWaitMsMax = 10 * 60_000;
const outputCharsMax = 200_000;

function wanted() {
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}`);
  for (const file of ['package.json', 'package-lock.json']) hash.update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

/** True when the last install was for the same files and its Node is still there. */
function isInstalled() {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted() && existsSync(join(bin, 'node'));
}

/** @param {string} owner begins with a process id */
function isAlive(owner) {
  try {
    process.kill(Number.parseInt(owner, 10), 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

const token = `${process.pid}-${randomBytes(6).toString('hex')}`;
const mine = `${lock}.${token}`;

/**
 * Renaming a folder onto one that is not empty fails, so of two processes exactly one gets the lock. The lock
 * of a dead owner is moved to a name made from its token, which stays taken: whoever read the same dead owner
 * a moment later cannot move the next owner's lock away.
 */
function tryLock() {
  mkdirSync(mine, { recursive: true });
  writeFileSync(join(mine, 'owner'), token);
  try {
    renameSync(mine, lock);
    return true;
  } catch {
    rmSync(mine, { recursive: true, force: true });
  }
  const owner = readLock('owner');
  if (owner === undefined || isAlive(owner) || isAlive(readLock('npm') ?? owner)) return false;
  try {
    renameSync(lock, `${lock}.dead-${owner}`);
  } catch {
    // Somebody else moved it first.
  }
  return false;
}

/** By way of another name, because a folder that is half removed would be free to take. */
function unlock() {
  renameSync(lock, mine);
  rmSync(mine, { recursive: true, force: true });
}

/** @param {string} name */
function readLock(name) {
  try {
    return readFileSync(join(lock, name), 'utf8');
  } catch {
    return undefined;
  }
}

async function takeLock() {
  for (let waitedMs = 0; waitedMs < lockWaitMsMax; waitedMs += lockPollIntervalMs) {
    if (tryLock()) return;
    await sleep(lockPollIntervalMs);
  }
  throw new Error(`another install has held ${lock} for too long; remove that folder if none runs`);
}

/** npm must not run on the Node that it may be about to replace, so this folder's own bin leaves the PATH. */
function npmEnvironment() {
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== bin);
  return { ...process.env, PATH: path.join(delimiter) };
}

/** @returns {Promise<void>} */
function runNpm() {
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--prefer-offline'];
  const child = spawn('npm', args, { cwd: root, env: npmEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] });
  // It outlives this process when that is killed, and then still holds the lock.
  writeFileSync(join(lock, 'npm'), String(child.pid));
  let output = '';
  const keep = (/** @type {Buffer} */ chunk) => {
    output = (output + chunk.toString()).slice(-outputCharsMax);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new Error(`npm could not be started: ${error.message}`)));
    child.on('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`npm install ended with ${signal ?? `exit code ${code}`}\n${output}`));
    });
  });
}

function checkNode() {
  const version = execFileSync(join(bin, 'node'), ['--version'], { encoding: 'utf8' }).trim();
  if (!version.startsWith(`v${NODE_MAJOR}.`))
    throw new Error(
      `node_modules/.bin/node is ${version}, not Node ${NODE_MAJOR}: was npm told to ignore scripts?`,
    );
}

async function install() {
  const timer = setTimeout(() => {
    process.stderr.write('installing dependencies ... (half a minute the first time)\n');
  }, sayAfterMs);
  // Before npm begins: an install that broke off must not pass for the last good one.
  rmSync(stamp, { force: true });
  try {
    await runNpm();
    checkNode();
    writeFileSync(stamp, wanted());
  } finally {
    clearTimeout(timer);
  }
}

async function main() {
  if (isInstalled()) return;
  await takeLock();
  try {
    if (!isInstalled()) await install();
  } finally {
    unlock();
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
