/** Passes and failures in a row, and the yes or no that follows from them. Used for readiness and liveness. */
export interface Streak {
  readonly good: boolean;
  /** Results in a row that contradict `good`. */
  readonly against: number;
}

export interface StreakRule {
  readonly passesToGood: number;
  readonly failuresToBad: number;
}

export function nextStreak(streak: Streak, passed: boolean, rule: StreakRule): Streak {
  if (passed === streak.good) return { good: streak.good, against: 0 };
  const against = streak.against + 1;
  const needed = streak.good ? rule.failuresToBad : rule.passesToGood;
  return against >= needed ? { good: passed, against: 0 } : { good: streak.good, against };
}
