/**
 * A candidate on its way up: instances are started as its share needs them, and stable stays whole or leaves as the
 * candidate grows. At every moment both have as many instances as their part of the requests needs (R1, R3), and
 * whoever leaves is drained before it is stopped (R2).
 */
import { instancesFor, percentBorneBy } from '../release/capacity.ts';
import { instanceId } from '../release/facts.ts';
import type { InstanceRef, Step } from '../release/step.ts';
import { NO_SHARE, type RotationSplit } from '../traffic/rotation.ts';
import type { Rule } from '../traffic/rule.ts';
import type { ShadowShare } from '../traffic/shadow.ts';
import { flagSteps } from './flags.ts';
import { idsOf, leavers, rotationOf, smokeStep, type StrategyRequest, watchStep } from './strategy.ts';

export class Ascent {
  readonly steps: Step[] = [];
  readonly #request: StrategyRequest;
  readonly #shrinks: boolean;
  readonly #candidates: InstanceRef[] = [];
  /** New instances of stable: the baseline. */
  readonly #beside: InstanceRef[] = [];
  readonly #serving: InstanceRef[];
  /** Left over by an earlier release: they run and have no traffic. */
  readonly #idle: readonly InstanceRef[];
  readonly #whole: number;
  #next: number;

  constructor(request: StrategyRequest, stable: 'keep' | 'shrink') {
    const { facts } = request;
    const serves = ({ id }: InstanceRef) => facts.rotation.instances.includes(id);
    const old = leavers(facts);
    this.#request = request;
    this.#shrinks = stable === 'shrink';
    this.#serving = old.filter(serves);
    this.#idle = old.filter((each) => !serves(each));
    this.#whole = this.#serving.length;
    this.#next = facts.nextInstance;
  }

  /** Those of the candidate that were started so far. */
  get candidates(): readonly InstanceRef[] {
    return [...this.#candidates];
  }

  /**
   * To this percent of the requests, with a baseline of the same size beside it where one is wanted. Where stable
   * shrinks, a tenth of the instances at a time change places on the way, so that few more run than are wanted.
   */
  rise(percent: number, baseline = false): void {
    const { instances: wanted } = this.#request.service;
    const count = instancesFor(percent, wanted);
    const batch = this.#shrinks ? Math.ceil(wanted / 10) : wanted;
    do {
      this.#begin(Math.min(batch, count - this.#candidates.length), baseline);
      const there = this.#candidates.length;
      this.#share(there < count ? Math.min(percent, percentBorneBy(there, wanted)) : percent, baseline);
    } while (this.#candidates.length < count);
  }

  /** Only to requests that the rules name. */
  show(rules: readonly Rule[], count: number): void {
    this.#begin(count, false);
    const rotation = rotationOf(this.#serving, this.#idle, this.#splitAt(0, rules));
    const shares = rules.map(({ name, percent }) => `${percent}% of ${name}`);
    this.steps.push({ kind: 'route', rotation, purpose: `${shares.join(', ')} to ${this.#request.to}` });
  }

  /** Copies only: no user meets it. Where there is no room for two sets one instance has to do: too much is left out. */
  copy(shadow: ShadowShare): void {
    const { to, service } = this.#request;
    const count = this.#shrinks ? 1 : instancesFor(shadow.percent, service.instances);
    this.#begin(count - this.#candidates.length, false);
    const split = { ...this.#splitAt(0), shadow };
    const purpose = `copies of ${shadow.percent}% of ${shadow.methods.join(', ')} to ${to}`;
    this.steps.push({ kind: 'route', rotation: rotationOf(this.#serving, this.#idle, split), purpose });
  }

  /** Everything stays with what served before. */
  withdraw(): void {
    const leaving = this.candidates;
    const rotation = rotationOf(this.#serving, [...this.#idle, ...leaving]);
    this.steps.push(
      { kind: 'route', rotation, purpose: `everything to ${this.#request.facts.stable}` },
      { kind: 'drain', instances: leaving },
      { kind: 'stop', instances: leaving },
    );
  }

  /** To all of the requests, watched; what is left of stable stays warm until the candidate is stable. */
  finish(gatesOf: (candidates: readonly InstanceRef[]) => readonly Step[], bakeMs: number): void {
    const { to } = this.#request;
    this.rise(100);
    const left = [...this.#idle, ...this.#serving, ...this.#beside];
    this.steps.push(
      ...smokeStep(this.#request, 'after', this.candidates),
      { kind: 'drain', instances: left },
      ...gatesOf(this.candidates),
      ...flagSteps(this.#request, this.#request.service.strategy, this.candidates),
      ...watchStep('bake', bakeMs, this.candidates),
      { kind: 'promote', version: to },
      { kind: 'stop', instances: left },
    );
  }

  /** The two groups are started together, so that they are of one age. */
  #begin(count: number, baseline: boolean): void {
    const { facts, to } = this.#request;
    const first = this.#candidates.length === 0;
    const fresh = this.#take(count, to);
    this.#candidates.push(...fresh);
    const missing = baseline ? this.#candidates.length - this.#beside.length : 0;
    const beside = facts.stable === null ? [] : this.#take(missing, facts.stable);
    this.#beside.push(...beside);
    const groups = [fresh, beside].filter((group) => group.length > 0);
    this.steps.push(
      ...groups.map((instances) => ({ kind: 'start', instances }) as const),
      ...groups.map((instances) => ({ kind: 'ready', instances }) as const),
      ...(first ? smokeStep(this.#request, 'before', fresh) : []),
    );
  }

  #take(count: number, version: string): InstanceRef[] {
    const { service, release } = this.#request;
    return Array.from({ length: count }, () => {
      const id = instanceId(service.name, release, this.#next);
      this.#next += 1;
      return { id, version };
    });
  }

  #share(percent: number, baseline: boolean): void {
    if (percent === 100) {
      const draining = [...this.#idle, ...this.#serving, ...this.#beside];
      const rotation = rotationOf(this.#candidates, draining);
      this.steps.push({ kind: 'route', rotation, purpose: `everything to ${this.#request.to}` });
      return;
    }
    // The baseline's part falls back to stable when it ends, so that stable never counts on it.
    const gone = this.#leave(100 - percent);
    const leaving = [...gone, ...(baseline ? [] : this.#beside.splice(0))];
    const rotation = rotationOf(this.#serving, [...this.#idle, ...leaving], this.#splitAt(percent));
    this.steps.push({ kind: 'route', rotation, purpose: this.#purposeOf(percent, gone.length) });
    if (leaving.length === 0) return;
    this.steps.push({ kind: 'drain', instances: leaving }, { kind: 'stop', instances: leaving });
  }

  #splitAt(percent: number, rules: readonly Rule[] = []): RotationSplit {
    const beside = this.#beside.length > 0 ? { instances: idsOf(this.#beside), percent } : NO_SHARE;
    const candidate = { instances: idsOf(this.#candidates), percent };
    return { candidate, baseline: beside, shadow: null, rules };
  }

  /** What the rest of the requests does not need. */
  #leave(restPercent: number): InstanceRef[] {
    const kept = this.#shrinks ? instancesFor(restPercent, this.#whole) : this.#serving.length;
    return this.#serving.splice(0, Math.max(0, this.#serving.length - kept));
  }

  #purposeOf(percent: number, leaving: number): string {
    const { facts, to } = this.#request;
    const beside = this.#beside.length > 0 ? [`${percent}% to new instances of ${facts.stable}`] : [];
    const gone = leaving > 0 ? [`${leaving} of ${facts.stable} leave`] : [];
    return [`${percent}% to ${to}`, ...beside, ...gone].join(', ');
  }
}
