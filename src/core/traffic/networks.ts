/**
 * A set of networks in CIDR notation, and whether an address lies in one of them: as many steps as the longest
 * prefix has bits at most, however many networks there are.
 */
import { type Address, bitOf, parseAddress } from './address.ts';

export interface Network {
  readonly address: Address;
  /** Bits of the address that count: up to 32 for IPv4, 128 for IPv6. */
  readonly prefix: number;
}

const MAPPED_BITS = 96;

/** `10.0.0.0/8`, `fd00::/8`, or one address. Undefined when it is neither, or when bits after the prefix are set. */
export function parseNetwork(text: string): Network | undefined {
  const slash = text.indexOf('/');
  const written = slash < 0 ? text : text.slice(0, slash);
  if (written.includes('%')) return undefined;
  const address = parseAddress(written);
  if (address === undefined) return undefined;
  const bits = address.length * 32;
  if (slash < 0) return { address, prefix: bits };
  const digits = text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(digits)) return undefined;
  const mapped = address.length === 1 && written.includes(':');
  const prefix = Number(digits) - (mapped ? MAPPED_BITS : 0);
  if (prefix < 0 || prefix > bits) return undefined;
  for (let bit = prefix; bit < bits; bit += 1) if (bitOf(address, bit) === 1) return undefined;
  return { address, prefix };
}

/** In pairs: where a node goes on with 0 and with 1. */
const ABSENT = -1;
/** Everything below belongs to the set. */
const WHOLE = -2;

/** A binary tree over the bits of addresses of one length. */
class PrefixTree {
  readonly #next: number[] = [ABSENT, ABSENT];
  #all = false;

  add({ address, prefix }: Network): void {
    if (prefix === 0) this.#all = true;
    let node = 0;
    for (let bit = 0; bit < prefix; bit += 1) {
      const slot = 2 * node + bitOf(address, bit);
      if (this.#next[slot] === WHOLE) return;
      if (bit === prefix - 1) {
        this.#next[slot] = WHOLE;
        return;
      }
      if (this.#next[slot] === ABSENT) this.#next[slot] = this.#next.push(ABSENT, ABSENT) / 2 - 1;
      node = this.#next[slot] ?? ABSENT;
    }
  }

  has(address: Address): boolean {
    if (this.#all) return true;
    let node = 0;
    for (let bit = 0; bit < address.length * 32; bit += 1) {
      node = this.#next[2 * node + bitOf(address, bit)] ?? ABSENT;
      if (node < 0) return node === WHOLE;
    }
    return false;
  }
}

export class Networks {
  readonly #v4 = new PrefixTree();
  readonly #v6 = new PrefixTree();
  readonly #empty: boolean;

  /** What `parseNetwork` cannot read is in no set: whoever takes networks from outside checks them first. */
  constructor(networks: readonly string[]) {
    const parsed = networks.flatMap((text) => parseNetwork(text) ?? []);
    for (const network of parsed) this.#treeOf(network.address).add(network);
    this.#empty = parsed.length === 0;
  }

  /** False for what is no address. */
  has(address: string): boolean {
    if (this.#empty) return false;
    const parsed = parseAddress(address);
    return parsed !== undefined && this.#treeOf(parsed).has(parsed);
  }

  #treeOf(address: Address): PrefixTree {
    return address.length === 1 ? this.#v4 : this.#v6;
  }
}
