/**
 * Addresses of hosts as numbers: IPv4 in one word, IPv6 in four, the most significant first. An IPv4 address that
 * is mapped into IPv6 (RFC 4291 s. 2.5.5.2) is read as the IPv4 address that it is.
 */
export type Address = readonly [number] | readonly [number, number, number, number];

const MAPPED = 0xffff;
const GROUPS = 8;

/** Undefined when it is no address. A zone (`%eth0`) says where, not who, and is left out. */
export function parseAddress(text: string): Address | undefined {
  if (!text.includes(':')) {
    const v4 = parseV4(text);
    return v4 === undefined ? undefined : [v4];
  }
  const groups = parseGroups(text.replace(/%[0-9a-z.-]+$/i, ''));
  if (groups === undefined) return undefined;
  const word = (at: number) => (((groups[at] ?? 0) << 16) | (groups[at + 1] ?? 0)) >>> 0;
  const [a, b, c, d] = [word(0), word(2), word(4), word(6)];
  return a === 0 && b === 0 && c === MAPPED ? [d] : [a, b, c, d];
}

/** Counted from the most significant one. */
export function bitOf(address: Address, bit: number): number {
  return ((address[bit >>> 5] ?? 0) >>> (31 - (bit & 31))) & 1;
}

/** Four decimal numbers, without the leading zeros that some read as octal. */
function parseV4(text: string): number | undefined {
  const parts = text.split('.', 5);
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

/** Eight groups; `::` stands for as many zeros as are missing, at least one, and once (RFC 4291 s. 2.2). */
function parseGroups(text: string): number[] | undefined {
  const [before = '', after, more] = text.split('::', 3);
  if (more !== undefined) return undefined;
  const head = groupsOf(before, after === undefined);
  const tail = after === undefined ? [] : groupsOf(after, true);
  if (!head || !tail) return undefined;
  const missing = GROUPS - head.length - tail.length;
  if (after === undefined ? missing !== 0 : missing < 1) return undefined;
  return [...head, ...Array.from({ length: missing }, () => 0), ...tail];
}

/** The last one may be an IPv4 address, which makes two. */
function groupsOf(text: string, last: boolean): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':', GROUPS + 1);
  const groups: number[] = [];
  for (const [at, part] of parts.entries()) {
    const v4 = last && at === parts.length - 1 && part.includes('.') ? parseV4(part) : undefined;
    if (v4 !== undefined) groups.push(v4 >>> 16, v4 & 0xffff);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}
