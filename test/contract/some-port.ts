import { createSocket, type Socket } from 'node:dgram';
import { createServer, type AddressInfo } from 'node:net';

/** Below the ephemeral range, so that no client's own port is taken for it meanwhile, and beside that of instances. */
const FIRST = 10_000;
const COUNT = 8_000;
/** No test listens here. */
const DESK = '127.0.80.1';

/** What was promised, for as long as this process lives. */
const promised: Socket[] = [];

/**
 * A port that nobody listens on, and that no other test is given before this process ends: the promise is a socket of
 * another protocol on an address of its own, so the system keeps it, and forgets it with the process.
 */
export async function somePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if ((await promise(port)) && (await isFree(port))) return port;
  }
}

function promise(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => {
    socket.once('error', () => socket.close(() => resolve(false)));
    socket.bind({ port, address: DESK, exclusive: true }, () => {
      promised.push(socket.unref());
      resolve(true);
    });
  });
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

export function portOf(address: string | AddressInfo | null): number {
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return address.port;
}
