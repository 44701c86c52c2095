/**
 * Copies for the candidate of the service's own release, compared with their originals. They are nobody's requests:
 * neither the instance's counts nor its standing change by them, and no drain waits for them.
 */
import type { ShadowShare } from '../core/traffic/shadow.ts';
import type { Call } from './call.ts';
import type { Instance } from './instance.ts';
import type { ShadowAim } from './shadow.ts';
import { ShadowPair } from './shadow-pair.ts';
import type { ShadowTally } from './shadow-tally.ts';
import type { Ending } from './tally.ts';

export interface ToCandidateOptions {
  readonly share: ShadowShare;
  readonly version: string;
  readonly instances: readonly Instance[];
  readonly responseMs: number;
  readonly tally: ShadowTally;
}

export function shadowToCandidate(options: ToCandidateOptions): ShadowAim {
  const { share, version, instances, responseMs, tally } = options;
  let turn = 0;
  const next = (): Instance | undefined => {
    turn += 1;
    return instances[turn % instances.length];
  };
  const forget = (call: Call) => {
    call.pair?.forget();
    tally.dropped();
  };
  return {
    key: JSON.stringify([share, version]),
    percent: share.percent,
    methods: new Set(share.methods),
    chosen: (call) => (call.pair = new ShadowPair(tally, share.bodies)),
    landing: (call, beganMs) => {
      const { pair } = call;
      const instance = next();
      if (instance === undefined || pair === null) return undefined;
      tally.sent();
      return {
        ...{ instance, responseMs, digest: pair.digests?.copy ?? null },
        passed: () => undefined,
        ended: (ending, atMs) => {
          if (ending.type === 'answered') pair.ended('copy', ending.status, atMs - beganMs);
          else if (isFailure(ending, pair)) pair.ended('copy', null, atMs - beganMs);
          else forget(call);
        },
      };
    },
    dropped: forget,
  };
}

/** One that is late is a failure once its original was whole; before, nobody can tell. */
function isFailure(ending: Ending, { originalEnded }: ShadowPair): boolean {
  return ending.type === 'failed' && (ending.kind !== 'late' || originalEnded);
}
