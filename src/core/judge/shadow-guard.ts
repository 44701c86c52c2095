/**
 * Copies of requests at the candidate, each beside its original at stable: errors of both as a ratio at a share of one
 * half. The two of a pair are not independent, since the same request may break both; the e-process holds all the
 * same. With chances b that only the copy is bad, c that only the original is, and q that both are, and x = theta -
 * theta0 > 0, a pair multiplies the evidence by 1 + x / (theta0 (1 - theta0)) * ((b + q) - t (c + q) - q x (1 + t)) /
 * (1 + t) on average: at most 1 wherever the copies' rate b + q is at most t times the originals' c + q. Likewise for
 * the mirror, where x < 0.
 */
import type { ShadowCounts } from '../traffic/shadow.ts';
import type { GuardLevel } from './metric-guard.ts';
import { logSumExp } from './numeric.ts';
import { evidenceOfBelow } from './rate.ts';
import { evidenceOfBetter, evidenceOfWorse } from './ratio.ts';
import { evidenceFrom, type GuardFinding, isReached } from './verdict.ts';

export interface ShadowRules {
  /** Times the originals' rate of errors. */
  readonly tolerate: number;
  /** A rate that is good enough whatever the originals' is. */
  readonly negligible: number;
}

type Seen = Pick<
  ShadowCounts,
  'compared' | 'copyErrors' | 'originalErrors' | 'otherStatus' | 'otherBody' | 'slower'
>;

export interface ShadowGathered {
  /** What the gateway had counted when it was gathered: it is not counted again. */
  readonly last: Seen | null;
  readonly release: Seen;
  readonly stage: Seen;
}

const NOTHING: Seen = {
  ...{ compared: 0, copyErrors: 0, originalErrors: 0 },
  ...{ otherStatus: 0, otherBody: 0, slower: 0 },
};
const SHARE = 0.5;

export class ShadowGuard {
  readonly #rules: ShadowRules;
  readonly #level: GuardLevel;
  /** What the gateway had counted at the last look; null: there was none. */
  #last: Seen | null = null;
  #release = NOTHING;
  #stage = NOTHING;
  #copies = false;

  /** `before`: what an earlier control gathered, of which `goOn` keeps what belongs to the stage. */
  constructor(rules: ShadowRules, level: GuardLevel, before: ShadowGathered | null = null) {
    this.#rules = rules;
    this.#level = level;
    if (!before) return;
    this.#last = before.last;
    this.#release = before.release;
    this.#stage = before.stage;
  }

  get gathered(): ShadowGathered {
    const last = this.#last && combined(this.#last, NOTHING, (a) => a);
    return { last, release: this.#release, stage: this.#stage };
  }

  /** `copies`: whether the candidate gets copies in it. */
  beginStage(copies: boolean): void {
    this.#stage = NOTHING;
    this.#copies = copies;
  }

  /** With the stage that an earlier control began. */
  goOn(copies: boolean): void {
    this.#copies = copies;
  }

  /** Everything counted so far. The first look only says what was there before; a gateway may begin from zero. */
  take(now: ShadowCounts): void {
    const before = this.#last === null ? now : now.compared < this.#last.compared ? NOTHING : this.#last;
    this.#last = now;
    const grown = combined(now, before, (a, b) => a - b);
    this.#release = combined(this.#release, grown, (a, b) => a + b);
    this.#stage = combined(this.#stage, grown, (a, b) => a + b);
  }

  /** While there are copies they can stand in for users' requests, of which the candidate has none. */
  findings(): GuardFinding[] {
    const { tolerate } = this.#rules;
    const { compared, copyErrors } = this.#release;
    const log = evidenceOfWorse(rowsOf(this.#release), tolerate);
    const worse = evidenceFrom(log, this.#level.falseAlarms, { bad: copyErrors, requests: compared });
    const isSame = this.#copies && this.#evidenceOfSame() >= Math.log(1 / this.#level.falsePasses);
    return [
      {
        guard: 'shadow',
        verdict: isReached(worse) ? 'worse' : isSame ? 'better-or-same' : 'not-enough-evidence',
        role: this.#copies ? 'voucher' : 'alarm',
        worse,
        proof: proofOf(this.#release),
      },
    ];
  }

  /** Against "at least `tolerate` times the originals' rate, and not negligible". */
  #evidenceOfSame(): number {
    const { compared, copyErrors } = this.#stage;
    const { tolerate, negligible } = this.#rules;
    const routes = [evidenceOfBetter(rowsOf(this.#stage), tolerate)];
    if (negligible > 0) routes.push(evidenceOfBelow({ bad: copyErrors, requests: compared }, negligible));
    return logSumExp(routes) - Math.log(routes.length);
  }
}

function combined(a: Seen, b: Seen, of: (a: number, b: number) => number): Seen {
  return {
    compared: of(a.compared, b.compared),
    copyErrors: of(a.copyErrors, b.copyErrors),
    originalErrors: of(a.originalErrors, b.originalErrors),
    otherStatus: of(a.otherStatus, b.otherStatus),
    otherBody: of(a.otherBody, b.otherBody),
    slower: of(a.slower, b.slower),
  };
}

const rowsOf = ({ copyErrors, originalErrors }: Seen) => [
  { share: SHARE, candidate: copyErrors, stable: originalErrors },
];

function proofOf({ compared, copyErrors, originalErrors, otherStatus, otherBody, slower }: Seen): string {
  if (compared === 0) return 'no copy was compared yet';
  const differences = [
    [otherStatus, 'with another status'],
    [otherBody, 'with another body'],
    [slower, 'slower'],
  ] as const;
  const seen = differences.filter(([n]) => n > 0).map(([n, what]) => `, ${whole(n)} ${what}`);
  return `${whole(copyErrors)} of ${whole(compared)} copies failed, ${whole(originalErrors)} of their originals${seen.join('')}`;
}

const whole = (n: number) => n.toLocaleString('en-US');
