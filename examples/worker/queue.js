// A queue in a folder: a job is a file, and taking it is renaming it, which only one of several can do.
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

const root = process.env.JOBS ?? '/tmp/segue-jobs';
const at = (...names) => join(root, ...names);
for (const folder of ['new', 'todo', 'doing']) mkdirSync(at(folder), { recursive: true });

export function put(job) {
  const name = `${Date.now()}-${process.pid}-${job.id}.json`;
  writeFileSync(at('new', name), JSON.stringify(job));
  renameSync(at('new', name), at('todo', name));
}

/** The oldest one; undefined when there is none. */
export function take() {
  for (const name of readdirSync(at('todo')).sort()) {
    const mine = at('doing', `${process.pid}-${name}`);
    try {
      renameSync(at('todo', name), mine);
    } catch {
      continue; // Somebody else was quicker.
    }
    return { ...JSON.parse(readFileSync(mine, 'utf8')), file: mine };
  }
}

/** It is done when it stands in the list. */
export function finish({ file, id }, by) {
  appendFileSync(at('done'), `${id} ${by}\n`);
  rmSync(file);
}

/** What a worker had that is gone without a word is to be done again. */
export function reclaim() {
  for (const file of readdirSync(at('doing'))) {
    const [pid, ...rest] = file.split('-');
    if (!lives(Number(pid))) renameSync(at('doing', file), at('todo', rest.join('-')));
  }
}

function lives(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
