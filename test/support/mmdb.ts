/** Small files in MaxMind's format, as the specification has it: which country each network is in. */
import { bitOf } from '../../src/core/traffic/address.ts';
import { parseNetwork } from '../../src/core/traffic/networks.ts';

export interface MmdbOptions {
  readonly recordBits?: 24 | 28 | 32;
  readonly version?: 4 | 6;
  /** What is said of a country; left out: as MaxMind does. */
  readonly record?: (country: string) => Buffer;
}

const GAP = Buffer.alloc(16);
const MARKER = Buffer.concat([Buffer.from([0xab, 0xcd, 0xef]), Buffer.from('MaxMind.com')]);

/** Up to 28 bytes, or entries. */
export const text = (value: string) =>
  Buffer.concat([Buffer.from([0x40 | value.length]), Buffer.from(value)]);
export const map = (entries: Readonly<Record<string, Buffer>>) =>
  Buffer.concat([
    Buffer.from([0xe0 | Object.keys(entries).length]),
    ...Object.entries(entries).flatMap(([key, value]) => [text(key), value]),
  ]);

function number(value: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes[0] = 0xc4;
  bytes.writeUInt32BE(value, 1);
  return bytes;
}

type Node = [Node | string | null, Node | string | null];

/** Networks must not lie in each other. */
export function mmdb(countries: Readonly<Record<string, string>>, options: MmdbOptions = {}): Buffer {
  const { recordBits = 24, version = 6 } = options;
  const { record = (country: string) => map({ country: map({ iso_code: text(country) }) }) } = options;
  const root: Node = [null, null];
  for (const [network, country] of Object.entries(countries)) add(root, network, country, version);
  const nodes = nodesOf(root);
  const names = [...new Set(Object.values(countries))];
  const records = names.map(record);
  const offsets = new Map(names.map((name, at) => [name, Buffer.concat(records.slice(0, at)).length]));
  const valueOf = (child: Node[number]) => {
    if (child === null) return nodes.length;
    if (typeof child === 'string') return nodes.length + GAP.length + (offsets.get(child) ?? 0);
    return nodes.indexOf(child);
  };
  const metadata = map({
    node_count: number(nodes.length),
    record_size: number(recordBits),
    ip_version: number(version),
    build_epoch: number(1_700_000_000),
  });
  const tree = nodes.map(([zero, one]) => nodeBytes(valueOf(zero), valueOf(one), recordBits));
  return Buffer.concat([...tree, GAP, ...records, MARKER, metadata]);
}

function add(root: Node, network: string, country: string, version: 4 | 6): void {
  const parsed = parseNetwork(network);
  if (!parsed) throw new Error(`${network} is no network`);
  const { address, prefix } = parsed;
  const lead = address.length === 1 && version === 6 ? 96 : 0;
  let node = root;
  for (let at = 0; at < lead + prefix; at += 1) {
    const bit = at < lead ? 0 : bitOf(address, at - lead);
    if (at === lead + prefix - 1) {
      node[bit === 0 ? 0 : 1] = country;
      return;
    }
    const child = node[bit === 0 ? 0 : 1];
    if (child !== null && typeof child === 'object') {
      node = child;
      continue;
    }
    const next: Node = [null, null];
    node[bit === 0 ? 0 : 1] = next;
    node = next;
  }
}

function nodesOf(root: Node): Node[] {
  const nodes = [root];
  for (const node of nodes)
    for (const child of node) if (child !== null && typeof child === 'object') nodes.push(child);
  return nodes;
}

function nodeBytes(left: number, right: number, bits: 24 | 28 | 32): Buffer {
  const bytes = Buffer.alloc(bits / 4);
  if (bits === 32) {
    bytes.writeUInt32BE(left, 0);
    bytes.writeUInt32BE(right, 4);
    return bytes;
  }
  bytes.writeUIntBE(left % 2 ** 24, 0, 3);
  bytes.writeUIntBE(right % 2 ** 24, bits / 4 - 3, 3);
  if (bits === 28) bytes[3] = (Math.floor(left / 2 ** 24) << 4) | Math.floor(right / 2 ** 24);
  return bytes;
}
