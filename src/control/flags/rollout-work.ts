/**
 * The steps of a release of a flag. A share is one write of the flag's state, which reaches streams and the edge like
 * every other change of it; it counts once every worker of the gateway has it (R3).
 */
import { describeError, SegueError } from '../../core/errors.ts';
import { isSame, rolloutStage, settingsOf, wasSetBy } from '../../core/flags/rollout.ts';
import { describeWord } from '../../core/release/gate.ts';
import { causeOf, type ReleaseRecord } from '../../core/release/records.ts';
import { passOf } from '../../core/release/state.ts';
import type { ShareStep, Step } from '../../core/release/step.ts';
import type { JudgeDesk } from '../judge-desk.ts';
import type { Ledger } from '../ledger.ts';
import { awaitEvidence } from '../steps/judge.ts';
import type { StepContext } from '../steps/handler.ts';
import type { ControlPorts } from '../ports.ts';
import type { TrafficDirector } from '../traffic-director.ts';
import { until } from '../until.ts';
import type { FlagDesk } from './flag-desk.ts';

export interface RolloutParts {
  readonly ports: ControlPorts;
  readonly ledger: Ledger;
  readonly desk: FlagDesk;
  readonly traffic: TrafficDirector;
  readonly judge: JudgeDesk;
}

type Context = Pick<StepContext, 'release' | 'direction' | 'index' | 'beganAtMs' | 'signal' | 'tell'>;

export class RolloutWork {
  readonly #parts: RolloutParts;

  constructor(parts: RolloutParts) {
    this.#parts = parts;
  }

  apply(step: Step, context: Context): Promise<string> {
    switch (step.kind) {
      case 'share':
        return this.#share(step, context);
      case 'approve':
        return this.#gate(context, (signal) => this.#pass(Infinity, signal));
      case 'hold':
        return this.#gate(context, (signal) => this.#pass(step.forMs - this.#spentMs(context), signal));
      case 'judge':
        return this.#gate(context, (signal) => {
          const stage = rolloutStage(context.release)?.index ?? -1;
          return awaitEvidence(step, { ...context, ...this.#parts }, stage, ({ endMs, passed, onChange }) => {
            const { clock } = this.#parts.ports;
            const withinMs = Math.max(0, endMs - clock.monotonicMs());
            const never = () => () => undefined;
            return until(passed ?? (() => false), onChange ?? never, { clock, withinMs, signal });
          });
        });
      case 'promote':
        // Written with its result, so that nothing comes between the two.
        return Promise.resolve('');
      default:
        return Promise.reject(new SegueError('PLAN_UNSAFE', `${step.kind} is no step of a flag.`));
    }
  }

  /** Looks first: it may be set already, and what somebody else has set is left as it is. */
  async #share({ flag, override }: ShareStep, { release, direction, signal }: Context): Promise<string> {
    const { desk, traffic, ledger } = this.#parts;
    signal.throwIfAborted();
    const may = (now: Parameters<typeof isSame>[0]) => {
      const current = ledger.release(release.id) ?? release;
      if (direction === 'back') return wasSetBy(release, now);
      return settingsOf(current).some((setting) => isSame(setting, now));
    };
    const { by, reason } = wordOf(release, direction);
    const approvedBy = passOf(release.state, 0)?.by ?? null;
    // Nothing is in the way of going back.
    const anyway = direction === 'back';
    const isSet = await desk.roll({
      flag,
      override,
      release: release.id,
      by,
      reason,
      approvedBy,
      may,
      anyway,
    });
    if (!isSet && direction === 'back') return 'somebody else has set it: it is left as it is';
    if (!isSet) throw new SegueError('FLAG_TAKEN', flag);
    if (release.plan.rollout?.services.length === 0) return '';
    const { number } = await traffic.apply();
    return `routing ${number} in force`;
  }

  /** Done when its own condition holds, or when a person passes it. */
  async #gate(
    { release, index, signal }: Context,
    wait: (signal: AbortSignal) => Promise<string>,
  ): Promise<string> {
    const { ledger } = this.#parts;
    const said = () => {
      const now = ledger.release(release.id);
      return now && passOf(now.state, index);
    };
    const passed = new AbortController();
    const look = () => {
      if (said()) passed.abort(new Error('a person passed it'));
    };
    const unfollow = ledger.follow(look);
    look();
    try {
      return await wait(AbortSignal.any([signal, passed.signal]));
    } catch (error) {
      const pass = said();
      if (!pass || error !== passed.signal.reason) throw error;
      return `${pass.how === 'approved' ? 'approved' : 'passed'} by ${describeWord(pass)}`;
    } finally {
      unfollow();
    }
  }

  async #pass(forMs: number, signal: AbortSignal): Promise<string> {
    await this.#parts.ports.clock.sleep(Math.max(0, forMs), signal);
    return '';
  }

  #spentMs({ beganAtMs }: Context): number {
    return Math.max(0, this.#parts.ports.clock.nowMs() - beganAtMs);
  }
}

/** For the history of the flag: who asked for the roll-out, and of a way back what it was for. */
function wordOf(release: ReleaseRecord, direction: 'forward' | 'back') {
  const cause = causeOf(release);
  if (direction === 'forward' || !cause)
    return { by: release.by, reason: release.plan.rollout?.reason ?? '' };
  const [reason = ''] = describeError(cause).split('\n');
  return { by: 'segue', reason };
}
