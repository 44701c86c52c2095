/** The plans that docs/releases.md shows, made and written out by the code that makes and shows real ones. */
import { plainPaint } from '../src/cli/render/style.ts';
import { renderPlan } from '../src/cli/render/plan.ts';
import type { Service } from '../src/core/project.ts';
import { type Facts, instanceId } from '../src/core/release/facts.ts';
import { makePlan } from '../src/core/release/planning.ts';
import { parseProjectFile } from '../src/wire/file/parse.ts';

function serviceWith(strategy: string, instances: number): Service {
  const text = `
project: shop
services:
  web:
    run: node server.js
    instances: ${instances}
    traffic: { listen: 8080 }
    strategy: ${strategy}
    smoke: [{ get: / }]
`;
  const result = parseProjectFile(text, 'segue.yaml', null);
  const service = result.ok ? result.project.services['web'] : undefined;
  if (!service) throw new Error(`the example is not a right file: ${JSON.stringify(result)}`);
  return service;
}

/** What v1 took to get ready. */
const READY_MS = 400;

/** v1 serves since the first release. */
function factsFor({ instances, strategy, traffic }: Service): Facts {
  const ids = Array.from({ length: instances }, (_, i) => instanceId('web', 'r1', i + 1));
  return {
    service: 'web',
    stable: 'v1',
    stableInstances: instances,
    running: ids.map((id) => ({ id, version: 'v1', ready: true })),
    rotation: { instances: ids, split: null, draining: [] },
    nextInstance: 1,
    alone: strategy.type === 'handover' ? { holdMs: traffic.hold.forMs, readyMs: READY_MS } : null,
  };
}

export function examplePlan(strategy: string, instances: number): string {
  const service = serviceWith(strategy, instances);
  const facts = factsFor(service);
  const plan = makePlan({ kind: 'deploy', facts, release: 'r2', to: 'v2', service, problems: [] });
  return ['```console', '$ segue plan web --version v2', ...renderPlan(plan, false, plainPaint), '```'].join(
    '\n',
  );
}
