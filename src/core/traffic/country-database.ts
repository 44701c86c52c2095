/**
 * Which country an address belongs to, from a file in MaxMind's format (MaxMind DB 2.0): a binary tree over the bits
 * of addresses whose leaves are records. A file is looked through whole before it is used, so that a torn one is
 * refused and not believed.
 */
import { limits } from '../limits.ts';
import { type Address, bitOf, parseAddress } from './address.ts';
import { MmdbFields } from './mmdb-fields.ts';

const MARKER = [0xab, 0xcd, 0xef, ...Array.from('MaxMind.com', (letter) => letter.charCodeAt(0))];
/** Where the specification lets the marker be, counted from the end. */
const METADATA_BYTES_MAX = 128 * 1024;
/** Zeros between tree and records. */
const GAP_BYTES = 16;
const V4_IN_V6_BITS = 96;

export class CountryDatabase {
  /** Wall clock. */
  readonly madeAtMs: number;
  readonly nodeCount: number;
  readonly #tree: Uint8Array;
  readonly #nodeBytes: number;
  readonly #records: MmdbFields;
  readonly #recordBytes: number;
  /** Null: it knows of IPv4 alone. */
  readonly #v6Root: number | null;
  readonly #v4Root: number;
  /** By record; most addresses share one with many others. */
  readonly #known = new Map<number, string | null>();
  #named = false;

  private constructor(bytes: Uint8Array) {
    const marker = markerIn(bytes);
    if (marker === undefined) throw new Error("it is no file in MaxMind's format, or not whole");
    const metadata = new MmdbFields(bytes.subarray(marker + MARKER.length));
    const [nodeCount, recordBits, version, madeAtS] = [
      'node_count',
      'record_size',
      'ip_version',
      'build_epoch',
    ]
      .map((key) => metadata.entry(0, key))
      .map((at) => (at === undefined ? undefined : metadata.number(at)));
    if (
      nodeCount === undefined ||
      ![24, 28, 32].includes(recordBits ?? 0) ||
      (version !== 4 && version !== 6)
    )
      throw new Error("what it says of itself is not in MaxMind's format");
    this.nodeCount = nodeCount;
    this.madeAtMs = (madeAtS ?? 0) * 1_000;
    this.#nodeBytes = (recordBits ?? 0) / 4;
    const treeBytes = nodeCount * this.#nodeBytes;
    if (treeBytes + GAP_BYTES > marker) throw new Error('it is shorter than it says');
    this.#tree = bytes.subarray(0, treeBytes);
    const records = bytes.subarray(treeBytes + GAP_BYTES, marker);
    this.#records = new MmdbFields(records);
    this.#recordBytes = records.length;
    this.#v6Root = version === 6 ? 0 : null;
    this.#v4Root = version === 6 ? this.#below(0, V4_IN_V6_BITS) : 0;
  }

  /** Still to be looked through. Throws an Error that says what is wrong with it. */
  static open(bytes: Uint8Array): CountryDatabase {
    return new CountryDatabase(bytes);
  }

  /** The same, looked through. */
  static openWhole(bytes: Uint8Array): CountryDatabase {
    const database = new CountryDatabase(bytes);
    database.check(0, database.nodeCount);
    database.checkNames();
    return database;
  }

  /** These nodes of the tree. Throws an Error that says what is wrong with them. */
  check(from: number, to: number): void {
    for (let node = from; node < Math.min(to, this.nodeCount); node += 1) {
      this.#checkLeaf(node, this.#next(node, 0));
      this.#checkLeaf(node, this.#next(node, 1));
    }
  }

  #checkLeaf(node: number, next: number): void {
    if (next <= this.nodeCount) return;
    const record = this.#offsetOf(next);
    if (record < 0 || record >= this.#recordBytes) throw new Error(`node ${node} leads out of the file`);
    if (!this.#named) this.#named = this.#countryAt(record) !== null;
  }

  /** After all of it was looked through: throws when it is about something else than countries. */
  checkNames(): void {
    if (!this.#named) throw new Error('it names no countries');
  }

  /** ISO 3166-1 alpha-2; null: it does not say, or that is no address. Private addresses are in no such file. */
  countryOf(address: string): string | null {
    const parsed = parseAddress(address);
    const record = parsed === undefined ? -1 : this.#offsetOf(this.#leafOf(parsed));
    return record < 0 ? null : this.#countryAt(record);
  }

  #leafOf(address: Address): number {
    const root = address.length === 1 ? this.#v4Root : this.#v6Root;
    if (root === null) return this.nodeCount;
    let at = root;
    for (let bit = 0; at < this.nodeCount && bit < address.length * 32; bit += 1)
      at = this.#next(at, bitOf(address, bit));
    return at;
  }

  /** So many zeros below a node. */
  #below(node: number, bits: number): number {
    let at = node;
    for (let bit = 0; at < this.nodeCount && bit < bits; bit += 1) at = this.#next(at, 0);
    return at;
  }

  /** Another node, or nothing (as many as there are nodes), or beyond that a record. */
  #next(node: number, side: number): number {
    const tree = this.#tree;
    const bytes = this.#nodeBytes;
    const at = node * bytes + side * (bytes === 7 ? 4 : bytes / 2);
    const low = ((tree[at] ?? 0) << 16) | ((tree[at + 1] ?? 0) << 8) | (tree[at + 2] ?? 0);
    if (bytes === 6) return low;
    if (bytes === 8) return low * 256 + (tree[at + 3] ?? 0);
    // Seven bytes: both share the one in the middle for their highest bits.
    const middle = tree[node * bytes + 3] ?? 0;
    return (side === 0 ? middle >> 4 : middle & 0x0f) * 2 ** 24 + low;
  }

  /** Negative: it is none. */
  #offsetOf(leaf: number): number {
    return leaf - this.nodeCount - GAP_BYTES;
  }

  #countryAt(record: number): string | null {
    const known = this.#known.get(record);
    if (known !== undefined) return known;
    const country = this.#read(record);
    if (this.#known.size >= limits.gateway.geo.recordsKnownMax) this.#known.clear();
    this.#known.set(record, country);
    return country;
  }

  /** `country.iso_code` as MaxMind and DB-IP have it, or a code by itself, as IPinfo does. */
  #read(record: number): string | null {
    const records = this.#records;
    try {
      const country = records.entry(record, 'country');
      const places = [
        country === undefined ? undefined : records.entry(country, 'iso_code'),
        records.entry(record, 'country_code'),
        country,
      ];
      for (const at of places) {
        const text = at === undefined ? undefined : records.text(at);
        if (text !== undefined && /^[A-Za-z]{2}$/.test(text)) return text.toUpperCase();
      }
      return null;
    } catch {
      return null;
    }
  }
}

/** The last one counts: the records may hold the same bytes. */
function markerIn(bytes: Uint8Array): number | undefined {
  const least = Math.max(0, bytes.length - METADATA_BYTES_MAX);
  for (let at = bytes.length - MARKER.length; at >= least; at -= 1)
    if (MARKER.every((byte, i) => bytes[at + i] === byte)) return at;
  return undefined;
}
