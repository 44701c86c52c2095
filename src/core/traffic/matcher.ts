/**
 * Rules as functions of a request. Made once for each routing; what they cost depends on the rules alone, and on
 * the size of what they look at.
 */
import { cookieValues, queryValues } from './fields.ts';
import { Networks } from './networks.ts';
import type { Match } from './rule.ts';
import { compilePattern } from './text-pattern.ts';

/** What rules see of a request. */
export interface RequestFacts {
  /** As `hostOf` gives it. */
  readonly host: string;
  /** As `pathOf` gives it. */
  readonly routePath: string;
  readonly methodName: string;
  /** With the query. */
  readonly target: string;
  /** The client's, proxies that are trusted left out. */
  readonly address: string;
  /** Whoever connected to the gateway: the client, or the last proxy. */
  readonly peerAddress: string;
  /** The value of the header, its name in lower case; undefined when it is not there, or more than once. */
  field(name: string): string | undefined;
  /** All cookies in one field; empty when there are none. */
  readonly cookies: string;
}

export type Matcher = (request: RequestFacts) => boolean;

/** Who says which country a client is in. */
export interface Geo {
  /** Believed from whom `trust` names; null: no header says it. */
  readonly header: string | null;
  readonly trust: Networks;
  /** What is known of the client's own address, in upper case; null: nothing. */
  readonly countryOf: (address: string) => string | null;
}

/** Without `geo` no request is from any country. */
export function compileMatch(match: Match, geo: Geo | null): Matcher {
  switch (match.type) {
    case 'all': {
      const parts = match.of.map((part) => compileMatch(part, geo));
      return (request) => parts.every((part) => part(request));
    }
    case 'any': {
      const parts = match.of.map((part) => compileMatch(part, geo));
      return (request) => parts.some((part) => part(request));
    }
    case 'not': {
      const inner = compileMatch(match.match, geo);
      return (request) => !inner(request);
    }
    case 'host':
      return compileHost(match.host.toLowerCase());
    case 'path': {
      const fits = compilePattern(match.path);
      return ({ routePath }) => fits(routePath);
    }
    case 'method': {
      const methods = new Set(match.methods);
      return ({ methodName }) => methods.has(methodName);
    }
    case 'network': {
      const networks = new Networks(match.networks);
      return ({ address }) => networks.has(address);
    }
    case 'country':
      return compileCountry(match.countries, geo);
    default:
      return compileNamed(match);
  }
}

/** One that is there twice may mean the one or the other, to whoever reads it next: it never fits. */
function compileNamed({ type, name, value }: Extract<Match, { name: string }>): Matcher {
  const fits = value === null ? () => true : compilePattern(value);
  const fitsOnly = (values: readonly string[]): boolean => {
    const [only] = values;
    return values.length === 1 && only !== undefined && fits(only);
  };
  switch (type) {
    case 'header': {
      const lower = name.toLowerCase();
      return (request) => {
        const found = request.field(lower);
        return found !== undefined && fits(found);
      };
    }
    case 'cookie':
      return ({ cookies }) => fitsOnly(cookieValues(cookies, name, 2));
    case 'query':
      return ({ target }) => fitsOnly(queryValues(target, name, 2));
  }
}

function compileCountry(countries: readonly string[], geo: Geo | null): Matcher {
  if (geo === null) return () => false;
  const wanted = new Set(countries.map((country) => country.toUpperCase()));
  return (request) => {
    const country = saidCountry(request, geo) ?? geo.countryOf(request.address);
    return country !== null && wanted.has(country);
  };
}

/** A proxy in front knows better than a file: it may see the client where we see the proxy. */
function saidCountry(request: RequestFacts, { header, trust }: Geo): string | undefined {
  const said = header === null ? undefined : request.field(header);
  return said !== undefined && trust.has(request.peerAddress) ? said.toUpperCase() : undefined;
}

function compileHost(host: string): Matcher {
  if (!host.startsWith('*.')) return (request) => request.host === host;
  const end = host.slice(1);
  return (request) => request.host.endsWith(end) && request.host.length > end.length;
}
