/** Requests per second through the gateway against the same instance called directly. */
import type { BenchProject } from '../support/bench-project.ts';
import { figure, type Figure, type Section } from '../support/figure.ts';
import { burst, type Burst } from '../support/offered-load.ts';

const CONNECTIONS = 16;
const SLICE_MS = 1_000;

interface Round {
  readonly gateway: number;
  readonly direct: number;
}

export async function measureThroughput(project: BenchProject, rounds: number): Promise<Section> {
  await project.use({ strategy: 'rolling', instances: 1 });
  await project.deploy(await project.build());
  const instancePort = await project.portOfInstance();
  const keepAlive: Round[] = [];
  const perRequest: Round[] = [];
  const slice = async (kind: Burst['kind']): Promise<Round> => {
    const through = (port: number) => burst({ port, kind, connections: CONNECTIONS, forMs: SLICE_MS });
    return { direct: await through(instancePort), gateway: await through(project.port) };
  };
  for (let round = 0; round < rounds; round += 1) {
    keepAlive.push(await slice('keep-alive'));
    perRequest.push(await slice('per-request'));
  }
  return {
    title: 'Requests per second through the gateway against the instance called directly',
    how: `One instance that answers at once, ${CONNECTIONS} connections, each sending its next request as soon as the last is answered. Load generator, gateway and instance share the machine; direct, the gateway's share is left to the other two.`,
    figures: [...figuresOf('keep-alive', keepAlive), ...figuresOf('one connection per request', perRequest)],
  };
}

function figuresOf(name: string, rounds: readonly Round[]): readonly Figure[] {
  const shares = rounds.map(({ gateway, direct }) => (100 * gateway) / direct);
  const gateway = rounds.map((round) => round.gateway);
  const direct = rounds.map((round) => round.direct);
  return [
    figure(`${name}: gateway against direct`, 'percent', shares),
    figure('gateway', 'per second', gateway, { isPart: true }),
    figure('direct', 'per second', direct, { isPart: true }),
  ];
}
