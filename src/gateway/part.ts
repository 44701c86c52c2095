/** Those who share a part of a service's requests under one routing, and what is counted of it. */
import type { Group } from '../core/traffic/split.ts';
import type { Instance } from './instance.ts';
import type { AssignedRow, ServiceTally } from './service-tally.ts';
import type { Places, Stickiness } from './stickiness.ts';

export interface PartOptions {
  /** Whose it is: it is good for as long as that one assigns. */
  readonly owner: object;
  readonly group: Group;
  readonly version: string;
  /** The weight under which requests come here (T5). */
  readonly percent: number;
  /** False: there is no split, and so no weight. */
  readonly isShare: boolean;
  /** Null: the weights. */
  readonly rule: string | null;
  readonly instances: readonly Instance[];
  readonly stickiness: Stickiness | null;
}

export class Part {
  readonly #options: PartOptions;
  readonly owner: object;
  readonly group: Group;
  readonly version: string;
  readonly percent: number;
  readonly instances: readonly Instance[];
  /** Null: nothing is sticky. */
  readonly places: Places | null;
  /** By version: a part may have two while a service rolls. */
  readonly #rows = new Map<string, AssignedRow>();

  constructor(options: PartOptions) {
    this.#options = options;
    this.owner = options.owner;
    this.group = options.group;
    this.version = options.version;
    this.percent = options.percent;
    this.instances = options.instances;
    this.places = options.stickiness?.placesOf(options.instances) ?? null;
  }

  /** The same members under the weight of a rule. */
  under(rule: string, percent: number): Part {
    return new Part({ ...this.#options, rule, percent });
  }

  rowOf({ version }: Instance, tally: ServiceTally): AssignedRow {
    let row = this.#rows.get(version);
    if (!row) {
      const { group, percent } = this;
      const { isShare, rule } = this.#options;
      const weight = isShare ? { group, percent, rule } : { group: null, percent: null, rule: null };
      this.#rows.set(version, (row = tally.row({ version, ...weight })));
    }
    return row;
  }
}
