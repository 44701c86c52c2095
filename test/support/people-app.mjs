// People in a database, for releases that change it. The old version keeps `name` and `mail`, the new one `first_name`,
// `last_name` and `email`. What was written is kept beside them in a table that no release changes: whatever a request
// finds has to be that.
import { readFileSync } from 'node:fs';

// Imported it would load what `fetch` needs as well: half of what these start with.
const { createServer } = process.getBuiltinModule('node:http');

const { PORT, DATABASE_URL, PG_MODULE, SEGUE_VERSION = '?' } = process.env;
const { default: pg } = await import(PG_MODULE);
const { columns } = JSON.parse(readFileSync(new URL('./behaviour.json', import.meta.url), 'utf8'));
const isOld = columns === 'old';
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 4 });
pool.on('error', () => undefined);

const INSERT = isOld
  ? `INSERT INTO people (name, mail) VALUES ($1 || ' ' || $2, $3) RETURNING id`
  : 'INSERT INTO people (first_name, last_name, email) VALUES ($1, $2, $3) RETURNING id';
const UPDATE = isOld
  ? `UPDATE people SET name = $1 || ' ' || $2, mail = $3 WHERE id = $4`
  : 'UPDATE people SET first_name = $1, last_name = $2, email = $3 WHERE id = $4';
const FOUND = isOld ? 'name, mail' : `first_name || ' ' || last_name AS name, email AS mail`;
const LAST = 'SELECT id, name, mail FROM written ORDER BY id DESC LIMIT 1 OFFSET $1';

async function inTransaction(begin, work) {
  const client = await pool.connect();
  try {
    await client.query(begin);
    const result = await work(client);
    await client.query('COMMIT');
    client.release();
    return result;
  } catch (error) {
    client.release(error);
    throw error;
  }
}

let turn = 0;

/** One that was written lately, or long ago. */
const somebody = () =>
  Math.random() < 0.5 ? Math.floor(Math.random() * 5) : Math.floor(Math.random() * 500);

function write() {
  turn += 1;
  const [first, last] = [`${SEGUE_VERSION}-${process.pid}`, `n${turn}`];
  const mail = `${first}.${last}@example.com`;
  return inTransaction('BEGIN', async (client) => {
    const { rows } = turn % 2 ? { rows: [] } : await client.query(`${LAST} FOR UPDATE`, [somebody()]);
    if (rows[0]) {
      await client.query(UPDATE, [first, last, mail, rows[0].id]);
      await client.query('UPDATE written SET name = $1, mail = $2 WHERE id = $3', [
        `${first} ${last}`,
        mail,
        rows[0].id,
      ]);
      return `changed ${rows[0].id}`;
    }
    const made = await client.query(INSERT, [first, last, mail]);
    await client.query('INSERT INTO written (id, name, mail) VALUES ($1, $2, $3)', [
      made.rows[0].id,
      `${first} ${last}`,
      mail,
    ]);
    return `made ${made.rows[0].id}`;
  });
}

function read() {
  return inTransaction('BEGIN ISOLATION LEVEL REPEATABLE READ', async (client) => {
    const { rows } = await client.query(LAST, [somebody()]);
    const found = await client.query(`SELECT ${FOUND} FROM people WHERE id = $1`, [rows[0].id]);
    const [is, was] = [found.rows[0], rows[0]];
    if (is?.name !== was.name || is?.mail !== was.mail)
      throw new Error(`${was.id} is ${JSON.stringify(is)}, was ${JSON.stringify(was)}`);
    return `found ${was.id}`;
  });
}

const server = createServer(async (request, response) => {
  for await (const _ of request);
  response.setHeader('x-shop-version', SEGUE_VERSION);
  try {
    if (request.url === '/ready') await pool.query('SELECT 1');
    response.end(request.url === '/ready' ? 'ready' : await (request.method === 'POST' ? write() : read()));
  } catch (error) {
    console.error(error);
    response.statusCode = 500;
    response.end(String(error));
  }
});
server.listen(PORT, '127.0.0.1');
process.once('SIGTERM', () => {
  server.close(() => pool.end());
  server.closeIdleConnections();
});
