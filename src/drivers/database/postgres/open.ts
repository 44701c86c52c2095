/** A database that changes are made to: opened, and found to be one that can be used. */
import { SegueError } from '../../../core/errors.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { DatabaseOpener, DatabaseOptions } from '../../../ports/database.ts';
import { Connections } from './connection.ts';
import { refusedConnection } from './failure.ts';
import type { Holder } from './lease.ts';
import { PostgresRunner } from './runner.ts';

const VERSION_MIN = 130_000;

export interface OpenParts {
  readonly clock: Clock;
  readonly chance: () => number;
  readonly holder: Holder;
}

export function postgresOpener(parts: OpenParts): DatabaseOpener {
  return {
    async open(url: string, options: DatabaseOptions = {}) {
      const connections = connect(url);
      try {
        await mustBeUsable(connections);
      } catch (error) {
        await connections.close();
        throw error;
      }
      return new PostgresRunner({ ...parts, connections, options });
    },
  };
}

function connect(url: string): Connections {
  if (!/^postgres(?:ql)?:\/\//.test(url))
    throw new SegueError('DATABASE_NOT_CONFIGURED', 'The address has to begin with postgres://.');
  try {
    return new Connections(url);
  } catch (error) {
    throw refusedConnection(error);
  }
}

async function mustBeUsable(connections: Connections): Promise<void> {
  const { rows } = await connections.query<{ version: number; name: string; standby: boolean }>(
    `SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS name, pg_is_in_recovery() AS standby`,
  );
  const { version, name, standby } = rows[0] ?? { version: 0, name: 'unknown', standby: false };
  if (version < VERSION_MIN) throw new SegueError('DATABASE_UNSUPPORTED', `It is PostgreSQL ${name}.`);
  if (standby) throw new SegueError('DATABASE_UNSUPPORTED', 'It is a standby, which takes no writes.');
}
