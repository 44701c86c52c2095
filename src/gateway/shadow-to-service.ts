/** Copies for another service, which counts them among its own requests. */
import type { ShadowPolicy } from '../core/traffic/policy.ts';
import type { Service } from './service.ts';
import type { ServiceTally } from './service-tally.ts';
import type { ShadowAim } from './shadow.ts';

export interface ToServiceOptions {
  readonly policy: ShadowPolicy;
  /** Of the service whose requests are copied. */
  readonly tally: ServiceTally;
  readonly serviceOf: (name: string) => Service | undefined;
}

export function shadowToService({ policy, tally, serviceOf }: ToServiceOptions): ShadowAim {
  return {
    key: JSON.stringify(policy),
    percent: policy.percent,
    methods: new Set(policy.methods),
    chosen: () => undefined,
    landing: (call, nowMs) => {
      const to = serviceOf(policy.to);
      const instance = to?.pickForShadow(call);
      if (to === undefined || instance === undefined) return undefined;
      tally.shadowSent();
      const ticket = to.beginShadow(instance, nowMs);
      const { gate } = instance;
      gate.began(ticket);
      return {
        ...{ instance, responseMs: to.routing.responseMs, digest: null },
        passed: (bytesIn, bytesOut) => ticket.passed(bytesIn, bytesOut),
        ended: (ending, atMs) => {
          ticket.end(ending);
          if (ending.type === 'answered') gate.answered(ticket, ending.status, atMs);
          else if (ending.type === 'failed') gate.failed(ticket, atMs);
          else gate.undecided(ticket);
        },
      };
    },
    dropped: () => tally.shadowDropped(),
  };
}
