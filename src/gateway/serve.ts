/**
 * One request from its head to its response: finds an instance, waits for one (T7), tries another where T2 allows
 * it, and hands the response on. Everything that can happen to a request is here.
 */
import { limits } from '../core/limits.ts';
import type { FailureKind } from '../core/traffic/counts.ts';
import { LEFT } from './access-log/record.ts';
import { Attempt } from './attempt.ts';
import type { Call } from './call.ts';
import { monotonicMs } from './clock.ts';
import type { Failure } from './failure.ts';
import { answer, type ReplyReason } from './replies.ts';
import type { Service } from './service.ts';

export function serve(service: Service, call: Call): void {
  const nowMs = monotonicMs();
  service.settle();
  call.service = service.name;
  call.startedMs = nowMs;
  service.replays.request(nowMs);
  call.trust = service.trust;
  if (service.admission !== null && !service.admission.admit(call, nowMs)) return;
  if (service.shadows.length > 0) for (const shadow of service.shadows) shadow.consider(call);
  // Those who wait go first, unless there is no room to wait in and somebody to go to.
  if (service.hold.waiting > 0) void wait(service, call);
  else next(service, call, false, nowMs);
}

function next(service: Service, call: Call, fresh: boolean, nowMs: number = monotonicMs()): void {
  if (call.left) return;
  if (call.deadlineMs <= nowMs) {
    service.tally.refusedOne();
    return answer(call, 'request-late');
  }
  if (!attempted(service, call, fresh, nowMs)) void wait(service, call);
}

/** False: there is no instance for it now. */
function attempted(service: Service, call: Call, fresh: boolean, nowMs: number): boolean {
  const instance = call.tries < limits.gateway.triesPerRequestMax ? service.pick(call) : undefined;
  if (instance === undefined) return false;
  call.tries += 1;
  call.sends += 1;
  const ticket = service.begin(instance, call, nowMs);
  call.ticket = ticket;
  void new Attempt({ call, service, instance, ticket, fresh, onFailure: failed });
  return true;
}

/** Ends with an attempt, with an answer of our own, or when the client leaves. Never rejects. */
async function wait(service: Service, call: Call): Promise<void> {
  const unreachable = call.tries > 0;
  const busy = service.isBusyFor(call);
  const { hold, policy } = service.routing;
  const sinceMs = monotonicMs();
  const waited = await service.hold.wait(call, busy ? policy.queue : hold);
  call.heldMs += monotonicMs() - sinceMs;
  call.newRound();
  switch (waited) {
    case 'released':
      return next(service, call, false);
    case 'left':
      if (call.log !== null) call.log.record(call, LEFT, 0);
      return;
    case 'full':
      // Only while the others are being let go: one more in between does no harm.
      if (!unreachable && !busy && attempted(service, call, false, monotonicMs())) return;
      service.tally.refusedOne();
      return answer(call, busy ? 'queue-full' : 'hold-full');
    case 'expired':
      service.tally.refusedOne();
      if (busy) return answer(call, 'queue-late');
      return answer(
        call,
        unreachable && service.routing.hold.forMs === 0 ? 'instance-unreachable' : 'no-instance',
      );
  }
}

function failed(attempt: Attempt, failure: Failure): void {
  const { call, service, instance, ticket } = attempt;
  tellGate(attempt, failure);
  switch (failure) {
    case 'unreached':
      ticket.end({ type: 'retried' });
      call.tried(instance.id);
      return next(service, call, false);
    case 'refused':
      ticket.end({ type: 'retried' });
      return next(service, call, true);
    case 'died':
      if (!mayReplay(service, call)) return fail(attempt, 'died', 'instance-failed');
      ticket.end({ type: 'retried' });
      return next(service, call, true);
    case 'garbled':
      return fail(attempt, failure, 'instance-failed');
    case 'late':
      return fail(attempt, failure, isOverdue(call) ? 'request-late' : 'instance-late');
    case 'stalled':
      ticket.end({ type: 'abandoned' });
      return answer(call, 'request-stalled');
  }
}

/** What a failure says about the instance. A kept connection may be closed at any time, and a client may stop. */
function tellGate({ call, instance, ticket, reused }: Attempt, failure: Failure): void {
  const cannotTell =
    failure === 'stalled' || failure === 'refused' || (failure === 'unreached' && isOverdue(call));
  const says = !cannotTell && !(failure === 'died' && reused && call.replayable);
  if (says) instance.gate.failed(ticket, monotonicMs());
  else instance.gate.undecided(ticket);
}

const isOverdue = (call: Call): boolean => call.deadlineMs <= monotonicMs();

/** T2: what an instance may have seen is sent again only if that changes nothing, and not without end. */
function mayReplay(service: Service, call: Call): boolean {
  return (
    call.replayable &&
    !call.heard &&
    call.tries < limits.gateway.triesPerRequestMax &&
    service.replays.take(monotonicMs())
  );
}

function fail({ call, ticket }: Attempt, kind: FailureKind, reason: ReplyReason): void {
  ticket.end({ type: 'failed', kind });
  answer(call, reason);
}
