import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { portOf, type Protocol, type Rival } from './rival.ts';

const PATIENCE_MS = 2_000;

/** Whether it speaks this protocol here. */
export async function speaks(rival: Rival, protocol: Protocol): Promise<boolean> {
  const port = portOf(rival, protocol);
  if (port === null) return false;
  const wanted = protocol === 'h2' ? 'h2' : 'http/1.1';
  const socket =
    protocol === 'http'
      ? net.connect(port, '127.0.0.1')
      : tls.connect({ port, host: '127.0.0.1', ALPNProtocols: [wanted], rejectUnauthorized: false });
  try {
    await once(socket, protocol === 'http' ? 'connect' : 'secureConnect', {
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    return !(socket instanceof tls.TLSSocket) || protocol === 'https' || socket.alpnProtocol === wanted;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
