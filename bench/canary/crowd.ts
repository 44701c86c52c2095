/**
 * Users of the shop: each has a connection of its own and asks for one page after the other, never for one again.
 * One page of twenty is the one to log in. The path says who asked, so that a failure has a name.
 */
import { startLoadProcess } from '../../test/load/load-process.ts';
import type { HttpClients } from '../../test/load/options.ts';
import type { Failure, Load } from '../../test/load/summary.ts';

export const USERS = 120;
export const PER_SECOND = 120;
const PAGES = 20;

export function crowdOf(port: number): Promise<Load> {
  const clients = Array.from({ length: USERS }, (_, user): HttpClients => {
    const pages = Array.from({ length: PAGES }, (_page, turn) => {
      const isLogin = (turn + user) % PAGES === 0;
      return `${isLogin ? '/login' : '/'}?user=${user}`;
    });
    return {
      kind: 'keep-alive',
      method: 'GET',
      path: '/',
      paths: pages,
      count: 1,
      everyMs: (USERS * 1_000) / PER_SECOND,
    };
  });
  return startLoadProcess({ target: { host: '127.0.0.1', port }, clients });
}

export const userOf = ({ path }: Failure): string => path.split('user=')[1] ?? '';
