import { statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { Control } from './control.ts';
import { makeApi } from './api.ts';

/**
 * Listens on a unix socket for its owner only. Called with the project's lock held, so a socket file that is
 * there already belongs to a control that is dead.
 */
export async function serveApi(control: Control, socketPath: string): Promise<() => Promise<void>> {
  await rm(socketPath, { force: true });
  const api = makeApi(control);
  const answer = getRequestListener(api.fetch);
  const server = createServer({ keepAliveTimeout: 1_000 }, (request, response) => {
    if (!control.flags.ofrep.handle(request, response)) void answer(request, response);
  });
  await listening(server, socketPath);
  const inode = inodeOf(socketPath);
  return () =>
    new Promise((resolve) => {
      // Closing removes the file by its name, and by now that may belong to a control that took over (R7).
      if (inodeOf(socketPath) === inode) server.close(() => resolve());
      else resolve();
      server.closeIdleConnections();
      setTimeout(() => server.closeAllConnections(), 500).unref();
    });
}

function inodeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.ino;
}

function listening(server: Server, socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // The socket is made with the umask's rights, 0600 from its first moment; and before `listen` returns, so
    // that no instance is started under this umask.
    const umask = process.umask(0o177);
    try {
      server.listen(socketPath, () => {
        server.off('error', reject);
        resolve();
      });
    } finally {
      process.umask(umask);
    }
  });
}
