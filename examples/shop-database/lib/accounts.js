import pg from 'pg';

const CONNECTIONS_MAX = 4;

/** Takes the place of the file of the same name in the plain shop: accounts are in PostgreSQL, as v1 keeps them. */
export function openAccounts() {
  // The names of the connections are PGAPPNAME, by which Segue sees which version they are of.
  const pool = new pg.Pool({
    connectionString: process.env.DATABASE_URL,
    max: CONNECTIONS_MAX,
    allowExitOnIdle: true,
  });
  // A connection that breaks while nobody uses it: the next request gets another one.
  pool.on('error', (error) => console.error(error.message));

  return {
    async read(user) {
      const { rows } = await pool.query('SELECT name, mail FROM customers WHERE login = $1', [user]);
      const { name, mail } = rows[0] ?? { name: '', mail: '' };
      return { user, name, mail, greeting: name };
    },

    async write(user, { name, mail }) {
      await pool.query(
        `INSERT INTO customers (login, name, mail) VALUES ($1, $2, $3)
         ON CONFLICT (login) DO UPDATE SET name = $2, mail = $3`,
        [user, name, mail],
      );
    },
  };
}
