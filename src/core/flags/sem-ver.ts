/** Versions as `sem_ver` compares them (semver.org, with a `v` in front, and short ones such as `1.2`). */
interface Version {
  readonly numbers: readonly [number, number, number];
  /** Empty: a release. */
  readonly pre: readonly (string | number)[];
}

const NUMBER = '(0|[1-9]\\d*)';
const PRE = '(?:0|[1-9]\\d*|\\d*[a-zA-Z-][a-zA-Z0-9-]*)';
const FULL = new RegExp(
  `^v?${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-(${PRE}(?:\\.${PRE})*))?(?:\\+[a-zA-Z0-9-]+(?:\\.[a-zA-Z0-9-]+)*)?$`,
);
const SHORT = /^(\d{1,16})(?:\.(\d{1,16}))?$/;
const CHARS_MAX = 256;

/** Null: it is none. */
function parsed(raw: unknown): Version | null {
  const text = String(raw).replace(/^[vV]/, '');
  const full = text.length > CHARS_MAX ? null : FULL.exec(text.trim());
  if (full) return versionOf([full[1], full[2], full[3]], full[4]);
  const short = SHORT.exec(text);
  return short ? versionOf([short[1], short[2] ?? '0', '0'], undefined) : null;
}

function versionOf(parts: readonly (string | undefined)[], pre: string | undefined): Version | null {
  const [major = 0, minor = 0, patch = 0] = parts.map(Number);
  if (![major, minor, patch].every((part) => part <= Number.MAX_SAFE_INTEGER)) return null;
  const identifiers = pre === undefined ? [] : pre.split('.').map(identifierOf);
  return { numbers: [major, minor, patch], pre: identifiers };
}

function identifierOf(text: string): string | number {
  return /^\d+$/.test(text) && Number(text) < Number.MAX_SAFE_INTEGER ? Number(text) : text;
}

function compared(a: Version, b: Version): number {
  for (const at of [0, 1, 2] as const)
    if (a.numbers[at] !== b.numbers[at]) return a.numbers[at] < b.numbers[at] ? -1 : 1;
  if (a.pre.length === 0 || b.pre.length === 0) return b.pre.length - a.pre.length;
  for (let at = 0; ; at += 1) {
    const [x, y] = [a.pre[at], b.pre[at]];
    if (x === undefined || y === undefined) return x === y ? 0 : x === undefined ? -1 : 1;
    if (x === y) continue;
    if (typeof x !== typeof y) return typeof x === 'number' ? -1 : 1;
    return x < y ? -1 : 1;
  }
}

/** Null: one of them is no version, or there is no such operator. */
export function semVer(left: unknown, operator: unknown, right: unknown): boolean | null {
  const [a, b] = [parsed(left), parsed(right)];
  if (a === null || b === null) return null;
  const order = compared(a, b);
  switch (String(operator)) {
    case '=':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>=':
      return order >= 0;
    case '>':
      return order > 0;
    case '^':
      return a.numbers[0] === b.numbers[0];
    case '~':
      return a.numbers[0] === b.numbers[0] && a.numbers[1] === b.numbers[1];
    default:
      return null;
  }
}
