/** Who is connected to the database now, as far as the server lets this role see it. */
import type { DatabaseClient } from '../../../core/release/contract.ts';
import type { Connections } from './connection.ts';

/** Everybody may see names and users; of others' sessions only the kind and the address are hidden. */
const CLIENTS = `
  SELECT coalesce(application_name, '') AS name, coalesce(usename::text, '') AS user, client_addr::text AS address, count(*)::int AS connections,
    (extract(epoch FROM min(backend_start)) * 1000)::float8 AS "sinceMs"
  FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid() AND coalesce(backend_type, 'client backend') = 'client backend'
  GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`;

export async function connectedClients(connections: Connections): Promise<readonly DatabaseClient[]> {
  return (await connections.query<DatabaseClient>(CLIENTS)).rows;
}
