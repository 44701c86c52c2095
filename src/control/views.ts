import { describeError } from '../core/errors.ts';
import { isWorker, type Service } from '../core/project.ts';
import { describeWord } from '../core/release/gate.ts';
import { causeOf, type InstanceRecord, type ReleaseRecord } from '../core/release/records.ts';
import { passOf } from '../core/release/state.ts';
import { describeStep } from '../core/release/step.ts';
import { weightAt } from '../core/release/weight.ts';
import type { DirectCounts, InstanceCounts } from '../core/traffic/counts.ts';
import { groupOf, type Rotation } from '../core/traffic/rotation.ts';
import { formatDurationMs } from '../core/units.ts';
import { quantileMs } from '../core/traffic/histogram.ts';
import type { InstanceStatus, ReleaseSummary, ServiceStatus, StatusResponse } from '../wire/api.ts';
import { SEGUE_VERSION } from '../wire/version.ts';
import type { Control } from './control.ts';
import { flagsSummary } from './flags/flag-views.ts';
import { kindOf, listenOf } from './kinds.ts';
import { wayBackOf } from './way-back.ts';

export async function statusOf(control: Control): Promise<StatusResponse> {
  const { project, ports, ledger } = control;
  return {
    project: project.name,
    environment: project.environment,
    control: {
      pid: ports.pid,
      version: SEGUE_VERSION,
      startedAtMs: control.startedAtMs,
      fence: ledger.fence,
    },
    gateway: control.gateway,
    trouble: ledger.trouble,
    flags: flagsSummary(control.flags.desk),
    services: await Promise.all(control.services.map((service) => serviceStatus(control, service))),
    rollouts: control.flags.rollouts.active.map((release) => ({
      release: summaryOf(release),
      standing: control.judge.standing(release.id),
    })),
    database: control.database.status(),
  };
}

async function serviceStatus(control: Control, service: Service): Promise<ServiceStatus> {
  const { name } = service;
  const { ledger, ports } = control;
  const { stable, previous, wanted, activeRelease } = ledger.service(name);
  const report = ports.plane.report();
  const active = activeRelease === null ? undefined : ledger.release(activeRelease);
  const newest = await ports.store.releases({ service: name, limit: 2 });
  const last = newest.find((release) => release.endedAtMs !== null);
  return {
    name,
    kind: kindOf(service),
    listen: listenOf(service),
    stable,
    previous,
    wanted,
    holding: report?.services.find((s) => s.service === name)?.holding ?? 0,
    instances: ledger.instances
      .filter((i) => i.service === name)
      .map((record) =>
        instanceStatus(
          control,
          service,
          record,
          report?.instances.find((c) => c.instance === record.id),
          report?.direct.find((c) => c.instance === record.id),
        ),
      ),
    release: active ? summaryOf(active) : null,
    standing: active ? control.judge.standing(active.id) : null,
    back: wayBackOf(control, name),
    last: last ? summaryOf(last) : null,
  };
}

function instanceStatus(
  control: Control,
  of: Service,
  record: InstanceRecord,
  counts: InstanceCounts | undefined,
  direct: DirectCounts | undefined,
): InstanceStatus {
  const { id, version, phase, port, mark, crashes, service } = record;
  const { trouble, upMs } = control.fleet.health(id);
  const ready = control.fleet.isReady(id);
  const { rotation } = control.ledger.service(service);
  const p99Ms = counts ? quantileMs(counts.latency, 0.99) : undefined;
  return {
    ...{ id, version, phase, ready, port, crashes, trouble, upMs },
    traffic: isWorker(of) ? workOf(record) : trafficOf(id, rotation, ready, counts?.ejected === true),
    pid: typeof mark?.['pid'] === 'number' ? mark['pid'] : null,
    inFlight: (counts?.inFlight ?? 0) + (direct?.inFlight ?? 0),
    streams: (counts?.streams ?? 0) + (direct?.streams ?? 0),
    requests: counts?.requests ?? 0,
    p99Ms: p99Ms ?? null,
  };
}

/** It works as soon as it runs, ready or not. */
function workOf({ phase }: InstanceRecord): InstanceStatus['traffic'] {
  if (phase === 'stopping') return 'draining';
  return phase === 'running' ? 'working' : 'none';
}

function trafficOf(
  id: string,
  rotation: Rotation,
  ready: boolean,
  ejected: boolean,
): InstanceStatus['traffic'] {
  const group = groupOf(rotation, id);
  const previews = group === 'candidate' && rotation.split?.candidate.percent === 0;
  if (previews) return 'preview';
  if (group !== null) return !ready ? 'none' : ejected ? 'ejected' : 'serving';
  return rotation.draining.includes(id) ? 'draining' : 'none';
}

export function summaryOf(release: ReleaseRecord): ReleaseSummary {
  const { id, service, kind, from, to, by, plan, state, startedAtMs, endedAtMs } = release;
  const steps = state.phase === 'back' ? state.steps : plan.steps;
  const at = state.phase === 'forward' || state.phase === 'back' ? state.at : steps.length;
  const step = state.phase === 'ended' || state.phase === 'turning' ? undefined : steps[at];
  const cause = causeOf(release);
  return {
    ...{ id, service, kind, from, to, by, startedAtMs, endedAtMs },
    strategy: plan.strategy,
    together: (release.group ?? [])
      .filter((member) => member.release !== id)
      .map((member) => ({ release: member.release, service: member.service })),
    state: stateOf(state),
    waiting: waitingOf(release),
    step: step ? describeStep(step) : null,
    stepNumber: Math.min(at + 1, steps.length),
    stepCount: steps.length,
    percent: step ? weightAt(steps, at) : null,
    why: cause ? describeError(cause) : null,
  };
}

function waitingOf({ service, state, plan }: ReleaseRecord): ReleaseSummary['waiting'] {
  if (state.phase !== 'forward') return null;
  if (state.paused)
    return { for: 'resume', why: describeWord(state.paused), next: `segue resume ${service}` };
  const step = plan.steps[state.at];
  if (!state.underWay || !step || passOf(state, state.at)) return null;
  if (step.kind === 'approve') return { for: 'approval', why: null, next: `segue approve ${service}` };
  if (step.kind !== 'judge' || state.unsure !== state.at) return null;
  const why = `not clear after ${formatDurationMs(step.patienceMs)}`;
  return { for: 'evidence', why, next: `segue promote ${service}` };
}

function stateOf(state: ReleaseRecord['state']): ReleaseSummary['state'] {
  switch (state.phase) {
    case 'forward':
      return 'running';
    case 'turning':
    case 'back':
      return 'going-back';
    case 'ended':
      return state.outcome;
  }
}
