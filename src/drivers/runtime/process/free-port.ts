import { once } from 'node:events';
import { createServer } from 'node:net';
import { systemErrorCode } from './system-error.ts';

/** A program may bind one address or all of them: each has to be free. */
const HOSTS = ['127.0.0.1', '0.0.0.0', '::'] as const;
/** This machine has no IPv6: nothing can be bound there, by nobody. */
const NO_SUCH_FAMILY = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL']);

export async function portIsFree(port: number): Promise<boolean> {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return false;
  for (const host of HOSTS) {
    if (!(await canBind(host, port))) return false;
  }
  return true;
}

async function canBind(host: string, port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    return true;
  } catch (error) {
    return host === '::' && NO_SUCH_FAMILY.has(systemErrorCode(error) ?? '');
  }
}
