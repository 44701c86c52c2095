/** The plans that docs/releases.md shows, made and written out by the code that makes and shows real ones. */
import { plainPaint } from '../src/cli/render/style.ts';
import { renderPlan } from '../src/cli/render/plan.ts';
import { isWorker, type Service } from '../src/core/project.ts';
import { type Facts, instanceId } from '../src/core/release/facts.ts';
import { flagsRaisedBy } from '../src/core/strategy/flags.ts';
import { makePlan } from '../src/core/release/planning.ts';
import { parseProjectFile } from '../src/wire/file/parse.ts';

export type ExampleKind = 'web' | 'worker';

const NAMES = { web: 'web', worker: 'mailer' } as const;
const LINES = {
  web: 'run: node server.js, traffic: { listen: 8080 }, smoke: [{ get: / }]',
  worker: 'kind: worker, run: node worker.js, drain: 2m, smoke: [{ command: node smoke.js }]',
} as const;

function serviceWith(strategy: string, instances: number, kind: ExampleKind): Service {
  const text = `
project: shop
services:
  ${NAMES[kind]}: { ${LINES[kind]}, instances: ${instances}, strategy: ${strategy} }
`;
  const result = parseProjectFile(text, 'segue.yaml', null);
  const service = result.ok ? result.project.services[NAMES[kind]] : undefined;
  if (!service) throw new Error(`the example is not a right file: ${JSON.stringify(result)}`);
  return service;
}

/** What v1 took to get ready. */
const READY_MS = 400;

/** v1 serves since the first release. */
function factsFor(service: Service): Facts {
  const { name, instances, strategy } = service;
  const ids = Array.from({ length: instances }, (_, i) => instanceId(name, 'r1', i + 1));
  const holdMs = isWorker(service) ? 0 : service.traffic.hold.forMs;
  return {
    service: name,
    stable: 'v1',
    stableInstances: instances,
    running: ids.map((id) => ({ id, version: 'v1', ready: true })),
    rotation: { instances: isWorker(service) ? [] : ids, split: null, draining: [] },
    nextInstance: 1,
    alone: strategy.type === 'handover' ? { holdMs, readyMs: READY_MS } : null,
    ...(isWorker(service) ? { worker: { drainMs: service.drainMs } } : {}),
    flags: [...new Set(flagsRaisedBy(strategy).map(({ flag }) => flag))].map((flag) => ({
      ...{ flag, raised: 0, ours: false, on: 'on', versions: ['v2'], since: 'v2', needs: null },
    })),
  };
}

export function examplePlan(strategy: string, instances: number, kind: ExampleKind): string {
  const service = serviceWith(strategy, instances, kind);
  const facts = factsFor(service);
  const plan = makePlan({ kind: 'deploy', facts, release: 'r2', to: 'v2', service, problems: [] });
  const asked = `$ segue plan ${service.name} --version v2`;
  return ['```console', asked, ...renderPlan(plan, false, plainPaint), '```'].join('\n');
}
