import pg from 'pg';

const CONNECTIONS_MAX = 4;

/** As v2 keeps them: first and last name apart, so that people are greeted by the one and sorted by the other. */
export function openAccounts() {
  const pool = new pg.Pool({
    connectionString: process.env.DATABASE_URL,
    max: CONNECTIONS_MAX,
    allowExitOnIdle: true,
  });
  pool.on('error', (error) => console.error(error.message));

  return {
    async read(user) {
      const { rows } = await pool.query(
        'SELECT first_name, last_name, email FROM customers WHERE login = $1',
        [user],
      );
      const { first_name: first, last_name: last, email } = rows[0] ?? NONE;
      return { user, name: `${first} ${last}`.trimEnd(), mail: email, greeting: first };
    },

    async write(user, { name, mail }) {
      const [first, ...rest] = name.split(' ');
      await pool.query(
        `INSERT INTO customers (login, first_name, last_name, email) VALUES ($1, $2, $3, $4)
         ON CONFLICT (login) DO UPDATE SET first_name = $2, last_name = $3, email = $4`,
        [user, first, rest.join(' '), mail],
      );
    },
  };
}

const NONE = { first_name: '', last_name: '', email: '' };
