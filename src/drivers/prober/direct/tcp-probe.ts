import { once } from 'node:events';
import { connect } from 'node:net';
import type { Probe } from '../../../ports/prober.ts';
import { CALLED_OFF, failed, passed, placeOf, type Finding } from './finding.ts';
import { describeNetworkError } from './network-error.ts';

type TcpProbe = Extract<Probe, { type: 'tcp' }>;

export async function connectTcp({ host, port }: TcpProbe, signal: AbortSignal): Promise<Finding> {
  const place = placeOf(host, port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return failed(`${port} is not a port`);
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal });
    return passed(`connected to ${place}`);
  } catch (error) {
    return signal.aborted ? CALLED_OFF : failed(describeNetworkError(error, place));
  } finally {
    socket.destroy();
  }
}
