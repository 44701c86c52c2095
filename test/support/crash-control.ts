/**
 * Control that dies by SIGKILL at a chosen write of its journal: `before` it is made (the act before it is
 * done, its result is not written) or `after` it (written, and nothing done about it yet). Counts its writes
 * into a file, so that the points are found by running. Instead of a number the point may name what a change of a flag
 * did: `after:lower`.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { runControl } from '../../src/main/run-control.ts';
import type { Store } from '../../src/ports/store.ts';

const { SEGUE_TEST_WRITES_FILE = '', SEGUE_TEST_CRASH_FILE = '' } = process.env;

/** `before:12` or `after:12`; written by the test between two releases. */
function crashPoint(): { readonly moment: string; readonly write: string } {
  const [moment = '', write = '0'] = readFileSync(SEGUE_TEST_CRASH_FILE, 'utf8').split(':');
  return { moment, write };
}

await runControl((store) => {
  let writes = 0;
  const dieAt = (now: string, verbs: readonly string[]): void => {
    const { moment, write } = crashPoint();
    if (moment === now && (writes === Number(write) || verbs.includes(write)))
      process.kill(process.pid, 'SIGKILL');
  };
  const commit: Store['commit'] = async (entries, changes) => {
    // What the judge writes down comes at its own time, and is no act.
    if (entries.length === 0 && changes.every(({ put }) => put === 'evidence' || put === 'past'))
      return store.commit(entries, changes);
    const kinds = entries.map(({ fact }) => fact.kind);
    // The beginning of a release, or of a contract, is its first write; what control writes outside does not count.
    if (kinds.includes('release-planned') || kinds.includes('contract-asked')) writes = 1;
    else if (writes > 0) writes += 1;
    const verbs = entries.flatMap(({ fact }) => (fact.kind === 'flag-changed' ? [fact.verb] : []));
    dieAt('before', verbs);
    const written = await store.commit(entries, changes);
    if (writes > 0) appendFileSync(SEGUE_TEST_WRITES_FILE, `${writes} ${kinds.join(',')}\n`);
    dieAt('after', verbs);
    // What comes after its end belongs to no point.
    if (kinds.includes('release-ended') || kinds.includes('contract-done')) writes = 0;
    return written;
  };
  return new Proxy(store, {
    get: (target, key) => {
      if (key === 'commit') return commit;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
});
