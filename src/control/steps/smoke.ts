import { SegueError } from '../../core/errors.ts';
import { isWeb, type SmokeTest, type Traffic } from '../../core/project.ts';
import type { InstanceRef, SmokeStep } from '../../core/release/step.ts';
import { count } from '../../core/units.ts';
import { instanceEnvironment } from '../instance-environment.ts';
import { probeOfSmokeTest, type ProbeTarget } from '../probes.ts';
import type { StepContext, StepHandler } from './handler.ts';

/** Before traffic every new instance is asked, as are new workers; after it, the public address. */
export const smoke: StepHandler<SmokeStep> = async ({ when, instances }, context) => {
  const targets =
    when === 'after' && isWeb(context.service)
      ? [{ name: 'the gateway', target: publicTarget(instances, context.service.traffic, context) }]
      : instances.map((ref) => ({ name: ref.id, target: directTarget(ref, context) }));
  for (const { name, target } of targets) {
    for (const test of context.spec.smoke) await run(test, name, target, context);
  }
  return `${count(context.spec.smoke.length, 'test')} passed`;
};

async function run(test: SmokeTest, name: string, target: ProbeTarget, context: StepContext): Promise<void> {
  const { ports, signal } = context;
  const result = await ports.prober.probe(probeOfSmokeTest(test, target), test.timeoutMs, signal);
  // What was given up half way is no news of the version.
  signal.throwIfAborted();
  if (!result.passed) throw new SegueError('SMOKE_FAILED', `On ${name}: ${result.detail}.`);
}

function directTarget(ref: InstanceRef, context: StepContext): ProbeTarget {
  const record = context.ledger.instance(ref.id);
  if (!record) throw new SegueError('INSTANCE_EXITED', `${ref.id} ended before its smoke test.`);
  const { host, port } = record;
  return { host, port, hostHeader: null, ...surroundings(ref, port, context) };
}

function publicTarget(
  instances: readonly InstanceRef[],
  { listen, routes }: Traffic,
  context: StepContext,
): ProbeTarget {
  const everywhere = ['', '::', '0.0.0.0'].includes(listen.host);
  const named = routes.find((route) => route.host !== null && !route.host.startsWith('*'));
  const [ref] = instances;
  return {
    host: everywhere ? '127.0.0.1' : listen.host,
    port: listen.port,
    hostHeader: named?.host ?? null,
    ...surroundings(ref ?? { id: '', version: context.release.to }, listen.port, context),
  };
}

function surroundings({ id, version }: InstanceRef, port: number, { ports, spec, release }: StepContext) {
  return {
    dir: ports.files.dir(release.service, version),
    env: () => instanceEnvironment(ports.environment, { service: spec, version, instance: id, port }),
  };
}
