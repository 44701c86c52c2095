/** Rows of one kind by key, as each member says them and merged. */

const DEPARTED = Symbol('departed');
type Owner = string | typeof DEPARTED;

export class Rows<Row> {
  readonly #merge: (a: Row, b: Row) => Row;
  readonly #bury: (row: Row) => Row;
  readonly #byKey = new Map<string, Map<Owner, Row>>();
  readonly #merged = new Map<string, Row>();
  readonly #changed = new Set<string>();

  /** `bury` makes of a row what stays of it when its member is gone. */
  constructor(merge: (a: Row, b: Row) => Row, bury: (row: Row) => Row) {
    this.#merge = merge;
    this.#bury = bury;
  }

  put(member: string, key: string, row: Row): void {
    let owners = this.#byKey.get(key);
    if (!owners) this.#byKey.set(key, (owners = new Map<Owner, Row>()));
    owners.set(member, row);
    this.#changed.add(key);
    this.#merged.delete(key);
  }

  /** What a member said so far; it is about to say it anew. */
  drop(member: string): void {
    for (const [key, owners] of this.#byKey) {
      if (!owners.delete(member)) continue;
      this.#merged.delete(key);
      this.#changed.add(key);
      if (owners.size === 0) this.forget(key);
    }
  }

  bury(member: string): void {
    for (const [key, owners] of this.#byKey) {
      const row = owners.get(member);
      if (row === undefined) continue;
      owners.delete(member);
      const before = owners.get(DEPARTED);
      const left = this.#bury(row);
      owners.set(DEPARTED, before === undefined ? left : this.#merge(before, left));
      this.#merged.delete(key);
      this.#changed.add(key);
    }
  }

  forget(key: string): void {
    this.#byKey.delete(key);
    this.#merged.delete(key);
    this.#changed.delete(key);
  }

  all(): Row[] {
    return [...this.#byKey.keys()].flatMap((key) => this.#rowOf(key) ?? []);
  }

  /** What members that are gone have left. */
  departed(): Row[] {
    return [...this.#byKey.values()].flatMap((owners) => owners.get(DEPARTED) ?? []);
  }

  /** Those that changed since the last call. */
  changes(): Row[] {
    const changed = [...this.#changed].flatMap((key) => this.#rowOf(key) ?? []);
    this.#changed.clear();
    return changed;
  }

  #rowOf(key: string): Row | undefined {
    const known = this.#merged.get(key);
    if (known !== undefined) return known;
    const owners = this.#byKey.get(key);
    if (!owners || owners.size === 0) return undefined;
    const merged = [...owners.values()].reduce(this.#merge);
    this.#merged.set(key, merged);
    return merged;
  }
}
