/** A session on the copy with a name that says whose it is. */
import pg from 'pg';
import { limits } from '../../../../core/limits.ts';
import { refusedConnection } from '../failure.ts';

/** Of the clients that stand for the application; what comes after it is their version. */
export const CLIENT = 'segue-rehearsal ';
export const OBSERVER = 'segue-rehearsal-observer';

export async function openSession(url: string, application: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: application,
    connectionTimeoutMillis: limits.database.connectTimeoutMs,
    keepAlive: true,
  });
  // What was lost is found by the next statement.
  client.on('error', () => undefined);
  await client.connect().catch((error: unknown) => {
    throw refusedConnection(error);
  });
  // Not as it connects: a pooler refuses settings there.
  if (application.startsWith(CLIENT))
    await client.query(`SET statement_timeout = ${limits.rehearsal.statementTimeoutMs}`);
  return client;
}
