import type { Listen } from './project.ts';

/** The address as one types it into a browser on this machine. */
export function describeListen({ host, port }: Listen, secure = false): string {
  const name =
    isEveryAddress(host) || host === '0.0.0.0' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `${secure ? 'https' : 'http'}://${name}:${port}`;
}

export const isEveryAddress = (host: string): boolean => host === '' || host === '::';

/** The same text for addresses that mean the same. */
export const listenKey = ({ host, port }: Listen): string => `${host === '' ? '::' : host} ${port}`;

export function listenOf(key: string): Listen {
  const space = key.lastIndexOf(' ');
  return { host: key.slice(0, space), port: Number(key.slice(space + 1)) };
}
