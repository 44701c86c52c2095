/**
 * `npm run postgres`: a throwaway PostgreSQL server, as the tests start it, with an empty database called shop. Its
 * address is for DATABASE_URL; it ends with Ctrl+C, and nothing of it is kept.
 */
import { once } from 'node:events';
import { startPostgres } from '../test/support/postgres.ts';

const server = await startPostgres();
const client = await server.connect();
await client.query('CREATE DATABASE shop');
await client.end();
console.log(`PostgreSQL ${server.version}, until Ctrl+C:\n\nexport DATABASE_URL='${server.url('shop')}'`);
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
await server.stop();
