/** This project's judge on the simulated traffic: asked after every bad request of the candidate. */
import { judge, type JudgeRules } from '../../src/core/judge/judge.ts';
import type { Observed, Past, Side } from '../../src/core/judge/observed.ts';
import { evidenceOfAbove } from '../../src/core/judge/rate.ts';
import { evidenceOfWorse } from '../../src/core/judge/ratio.ts';
import type { Decision } from './decision.ts';
import type { Rule } from './rivals.ts';

const SECONDS = 60;

interface Counts {
  requests: number;
  errors: number;
}

export function ours(name: string, rules: JudgeRules, share: number, past: Past | null): Rule {
  const pastRate = past === null ? null : totalOf(past);
  /** Much cheaper than the verdict, and never above the evidence that it would find. */
  const mayBeWorse = (candidate: Counts, stable: Counts): boolean => {
    const live = [{ share, candidate: candidate.errors, stable: stable.errors }];
    const needed = Math.log(1 / rules.falseAlarms);
    if (evidenceOfWorse(live, rules.errors.tolerate) >= needed) return true;
    const bound = pastRate === null ? 1 : Math.min(0.5, pastRate * rules.errors.tolerate);
    return evidenceOfAbove({ bad: candidate.errors, requests: candidate.requests }, bound) >= needed;
  };
  return {
    name,
    decide: (minutes) => {
      const candidate: Counts = { requests: 0, errors: 0 };
      const stable: Counts = { requests: 0, errors: 0 };
      for (const [index, minute] of minutes.entries()) {
        for (const { atS, side } of minute.bad) {
          if (side === 'stable') stable.errors += 1;
          else candidate.errors += 1;
          if (side === 'stable') continue;
          const part = atS / SECONDS - index;
          const now = at(candidate, minute.candidate.requests, part);
          const beside = at(stable, minute.stable.requests, part);
          if (mayBeWorse(now, beside) && isWorse(rules, observedOf(share, now, beside, past)))
            return { atS, candidateRequests: now.requests } satisfies Decision;
        }
        candidate.requests += minute.candidate.requests;
        stable.requests += minute.stable.requests;
      }
      return null;
    },
  };
}

const isWorse = (rules: JudgeRules, observed: Observed) => judge(rules, observed).verdict === 'worse';

/** In the middle of a minute, whose requests come evenly. */
const at = (counts: Counts, inMinute: number, part: number): Counts => ({
  requests: Math.max(counts.errors, counts.requests + Math.round(inMinute * part)),
  errors: counts.errors,
});

function observedOf(share: number, candidate: Counts, stable: Counts, past: Past | null): Observed {
  const rows = [{ share, candidate: sideOf(candidate), stable: sideOf(stable) }];
  return { release: rows, stage: rows, past };
}

const sideOf = ({ requests, errors }: Counts): Side => ({
  requests,
  errors,
  latency: [],
  assigned: requests,
});

function totalOf({ windows }: Past): number {
  const requests = windows.reduce((sum, window) => sum + window.requests, 0);
  return requests === 0 ? 1 : windows.reduce((sum, window) => sum + window.errors, 0) / requests;
}
