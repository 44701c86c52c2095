/** Addresses of databases on one server, and of programs that are given them. */
import pg from 'pg';
import { SegueError } from '../../../../core/errors.ts';

function parsed(url: string): URL {
  if (!/^postgres(?:ql)?:\/\//.test(url) || !URL.canParse(url))
    throw new SegueError(
      'DATABASE_NOT_CONFIGURED',
      'The address has to be like postgres://user@host:5432/name.',
    );
  return new URL(url);
}

/** The same server and user, another database. */
export function withDatabaseName(url: string, name: string): string {
  const changed = parsed(url);
  changed.pathname = `/${encodeURIComponent(name)}`;
  return changed.href;
}

/** As the driver understands it: without one in the address, that of the user. */
export function databaseNameOf(url: string): string {
  parsed(url);
  return new pg.Client(url).database ?? '';
}

/** For people: no user, no password, no parameters. */
export function serverOf(url: string): string {
  const { hostname, port, searchParams } = parsed(url);
  const host = searchParams.get('host') ?? hostname;
  return host.startsWith('/') || port === '' ? host : `${host}:${port}`;
}

/** For the programs of PostgreSQL: the password goes by the environment, where a list of processes does not show it. */
export function forPrograms(url: string): {
  readonly url: string;
  readonly env: Readonly<Record<string, string>>;
} {
  const plain = parsed(url);
  const password = decodeURIComponent(plain.password);
  plain.password = '';
  return { url: plain.href, env: password === '' ? {} : { PGPASSWORD: password } };
}
