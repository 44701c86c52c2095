// The table as v1 of the shop has it, with customers in it from before. Run once: node setup.js
import pg from 'pg';

const CUSTOMERS = 5_000;

const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
await client.query(`
  CREATE TABLE customers (login text PRIMARY KEY, name text NOT NULL, mail text NOT NULL);
  INSERT INTO customers
    SELECT 'customer.' || n, 'First' || n || CASE WHEN n % 10 = 0 THEN '' ELSE ' von Last' || n END, 'customer.' || n || '@example.com'
    FROM generate_series(1, ${CUSTOMERS}) n;
  ANALYZE customers;
`);
await client.end();
console.log(`customers: ${CUSTOMERS} rows`);
