/**
 * Which route a request belongs to. Compiled once for each routing; finding takes as long with a thousand
 * services as with one, and is bounded by the deepest route whatever the request says.
 *
 * Order: the exact host, then wildcards from the longest to the shortest, then routes for every host; within
 * one of them the longest path prefix. A host without a fitting path is passed over.
 */
import type { Route } from '../project.ts';

export class RouteTable<T> {
  readonly #exact = new Map<string, PathTable<T>>();
  /** Keyed without the `*`: `.example.com`. */
  readonly #wildcard = new Map<string, PathTable<T>>();
  readonly #any = new PathTable<T>();
  #labelsMax = 0;
  #looksAtPaths = false;

  /** Of two equal routes the first one counts. */
  constructor(entries: Iterable<readonly [Route, T]>) {
    for (const [route, target] of entries) {
      if (prefixOf(route.path) !== '') this.#looksAtPaths = true;
      this.#tableFor(route.host).add(route.path, target);
    }
  }

  /** False: hosts alone decide, and whatever path is asked for is as good as any other. */
  get looksAtPaths(): boolean {
    return this.#looksAtPaths;
  }

  /** `host` as `hostOf` gives it, `path` as `pathOf` does. */
  find(host: string, path: string): T | undefined {
    return this.#exact.get(host)?.find(path) ?? this.#findWildcard(host, path) ?? this.#any.find(path);
  }

  #tableFor(host: string | null): PathTable<T> {
    if (host === null) return this.#any;
    const wild = host.startsWith('*.');
    const key = wild ? host.slice(1) : host;
    if (wild) this.#labelsMax = Math.max(this.#labelsMax, key.split('.').length - 1);
    const tables = wild ? this.#wildcard : this.#exact;
    let table = tables.get(key);
    if (!table) tables.set(key, (table = new PathTable<T>()));
    return table;
  }

  #findWildcard(host: string, path: string): T | undefined {
    if (this.#labelsMax === 0) return undefined;
    const dots: number[] = [];
    let dot = host.lastIndexOf('.');
    while (dot > 0 && dots.length < this.#labelsMax) {
      dots.push(dot);
      dot = host.lastIndexOf('.', dot - 1);
    }
    for (const at of dots.toReversed()) {
      const found = this.#wildcard.get(host.slice(at))?.find(path);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

const prefixOf = (path: string): string => path.replace(/\/+$/, '');

class PathTable<T> {
  readonly #targets = new Map<string, T>();
  #depthMax = 0;

  add(path: string, target: T): void {
    const prefix = prefixOf(path);
    if (this.#targets.has(prefix)) return;
    this.#targets.set(prefix, target);
    this.#depthMax = Math.max(this.#depthMax, prefix.split('/').length - 1);
  }

  /** The deepest of the first `depthMax` segments that has one: of `/a/b/c` that is `/a`, `/a/b`, `/a/b/c`. */
  find(path: string): T | undefined {
    let found = this.#targets.get('');
    let end = 0;
    for (let depth = 0; depth < this.#depthMax && end < path.length; depth += 1) {
      const slash = path.indexOf('/', end + 1);
      end = slash === -1 ? path.length : slash;
      found = this.#targets.get(path.slice(0, end)) ?? found;
    }
    return found;
  }
}

/** The host of a `Host` field: lower case, without port and final dot. */
export function hostOf(authority: string): string {
  const colon = authority.lastIndexOf(':');
  const host = colon > authority.lastIndexOf(']') ? authority.slice(0, colon) : authority;
  return (host.endsWith('.') ? host.slice(0, -1) : host).toLowerCase();
}

/** The path of a request target in origin form, without the query. */
export function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query === -1 ? target : target.slice(0, query);
}
