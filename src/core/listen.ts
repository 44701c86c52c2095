import type { Listen } from './project.ts';

/** The address as one types it into a browser on this machine. */
export function describeListen({ host, port }: Listen): string {
  const everywhere = ['', '::', '0.0.0.0'].includes(host);
  const name = everywhere ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}`;
}
