/** The database drivers of the CLI, loaded by the verbs that need them: the others start without. */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { systemClock } from '../drivers/clock/system.ts';
import type { DatabaseRehearser } from '../ports/database-rehearsal.ts';
import type { ChangeSource, DatabaseOpener } from '../ports/database.ts';

interface DatabaseDrivers {
  readonly database: DatabaseOpener;
  readonly changes: ChangeSource;
  readonly rehearser: DatabaseRehearser;
}

export function lazyDatabase(): DatabaseDrivers {
  const database: DatabaseOpener = {
    async open(url, options) {
      const { postgresOpener } = await import('../drivers/database/postgres/open.ts');
      const holder = { name: holderName(), isGone };
      return postgresOpener({ clock: systemClock, chance: Math.random, holder }).open(url, options);
    },
  };
  const openRehearser = async () => {
    const { postgresRehearser } = await import('../drivers/database/postgres/rehearsal/rehearser.ts');
    const { openSqlParser } = await import('../drivers/sql/libpg-query/parser.ts');
    const parser = await openSqlParser();
    return postgresRehearser({ clock: systemClock, chance: Math.random, opener: database, parser });
  };
  return {
    database,
    rehearser: {
      rehearse: async (request, watch) => (await openRehearser()).rehearse(request, watch),
      record: async (url, most) => (await openRehearser()).record(url, most),
    },
    changes: {
      async read(dir) {
        const { changesFolder } = await import('../drivers/database/folder/source.ts');
        const openParser = async () => (await import('../drivers/sql/libpg-query/parser.ts')).openSqlParser();
        return changesFolder(openParser).read(dir);
      },
    },
  };
}

/** Host, process and when it began, so that a pid that was given again is not taken for it. */
const holderName = () => `${os.hostname()} pid ${process.pid} began ${beganAt(process.pid) ?? 'unknown'}`;

function isGone(holder: string): boolean {
  const [, host, pid, began] = /^(.*) pid (\d+) began (\w+)$/.exec(holder) ?? [];
  if (host !== os.hostname() || began === 'unknown') return false;
  return beganAt(Number(pid)) !== began;
}

/** Clock ticks since the machine started (proc(5)); undefined: there is no such process, or no /proc. */
function beganAt(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
