// A worker for tests: takes jobs out of a folder, one after the other, with the misbehaviours that the tests need.
// A job is taken by renaming its file, which only one of several can do, and is done when it stands in the list.
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const behaviour = JSON.parse(readFileSync(new URL('./behaviour.json', import.meta.url), 'utf8'));
const { SEGUE_VERSION = '?', SEGUE_INSTANCE = '?' } = process.env;
const { queue } = behaviour;
const place = (...names) => join(queue, ...names);
/** What a program that leaks never lets go of. */
const kept = [];
let told = false;
let current;

meetOthers();
process.on('SIGTERM', () => {
  appendFileSync(place('told'), `${SEGUE_INSTANCE}\n`);
  if (behaviour.ignoresSigterm) return;
  // As many programs do: the second time is meant.
  if (told) leave(1);
  told = true;
});
if (behaviour.exitAfterMs !== undefined) setTimeout(() => leave(7), behaviour.exitAfterMs);
if (behaviour.leaksMegabytesPerSecond !== undefined)
  setInterval(() => kept.push(Buffer.alloc(behaviour.leaksMegabytesPerSecond * 1024 * 102, 1)), 100);

while (!told) {
  const job = take();
  if (job === undefined) await sleep(5);
  else if (behaviour.crashesAtWork) fail(job);
  else await work(job);
}
leave(0);

function take() {
  for (const job of readdirSync(place('todo')).sort())
    try {
      renameSync(place('todo', job), place('doing', job));
      current = job;
      return job;
    } catch {
      // Somebody else was quicker.
    }
}

async function work(job) {
  const ms = Number(readFileSync(place('doing', job), 'utf8'));
  // A job without a length takes until it may end.
  if (ms >= 0) await sleep(ms);
  else while (!existsSync(place('go'))) await sleep(5);
  appendFileSync(place('done'), `${job} ${SEGUE_VERSION} ${SEGUE_INSTANCE}\n`);
  rmSync(place('doing', job));
  current = undefined;
}

function fail(job) {
  console.error(`job ${job} is more than this version can do`);
  leave(9);
}

/** Says in `met` when another version is at work. */
function meetOthers() {
  mkdirSync(place('present'), { recursive: true });
  for (const pid of readdirSync(place('present'))) {
    const version = readFileSync(place('present', pid), 'utf8');
    if (version !== SEGUE_VERSION && lives(Number(pid)))
      appendFileSync(place('met'), `${version} ${SEGUE_VERSION}\n`);
  }
  writeFileSync(place('present', String(process.pid)), SEGUE_VERSION);
}

function lives(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** As brokers do, the queue has a job back when whoever took it ends without a word. */
function leave(code) {
  if (current !== undefined) renameSync(place('doing', current), place('todo', current));
  rmSync(place('present', String(process.pid)), { force: true });
  process.exit(code);
}
