import { SegueError } from '../core/errors.ts';
import type { Service } from '../core/project.ts';
import { clientName } from '../core/release/contract.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What a program needs from its surroundings to run at all. Everything else is named in segue.yaml. */
const INHERITED = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR'];
const FROM_ENVIRONMENT = 'env:';

export interface InstanceVariables {
  readonly service: Service;
  readonly version: string;
  readonly instance: string;
  readonly port: number;
  /** Verifies what the gateway tells about flags; null: it tells nothing. */
  readonly flagsKey?: string | null;
}

/** The whole environment of an instance. Throws ENVIRONMENT_VALUE_MISSING with the variable's name. */
export function instanceEnvironment(
  outer: Environment,
  variables: InstanceVariables,
): Record<string, string> {
  const { service, version, instance, port, flagsKey = null } = variables;
  const inherited = Object.entries(outer).filter(
    (pair): pair is [string, string] =>
      pair[1] !== undefined && (INHERITED.includes(pair[0]) || pair[0].startsWith('LC_')),
  );
  return {
    ...Object.fromEntries(inherited),
    // Drivers of PostgreSQL take it for their name, so that it is known whose a connection is (R6).
    PGAPPNAME: clientName(service.name, version, instance),
    ...resolved(outer, service),
    PORT: String(port),
    SEGUE_SERVICE: service.name,
    SEGUE_VERSION: version,
    SEGUE_INSTANCE: instance,
    ...(flagsKey === null ? {} : { SEGUE_FLAGS_KEY: flagsKey }),
  };
}

/** `env:NAME` values are looked up at the moment that an instance starts, and are written nowhere. */
export function resolved(outer: Environment, service: Service): Record<string, string> {
  const pairs = Object.entries(service.run.env).map(([key, value]): [string, string] => {
    const found = valueIn(outer, value);
    if (found.type === 'found') return [key, found.value];
    throw new SegueError(
      'ENVIRONMENT_VALUE_MISSING',
      `services.${service.name}.run.env.${key} needs ${found.name}.`,
    );
  });
  return Object.fromEntries(pairs);
}

export type Looked =
  { readonly type: 'found'; readonly value: string } | { readonly type: 'missing'; readonly name: string };

/** What a text of segue.yaml stands for: itself, or with `env:NAME` the value of a variable. */
export function valueIn(outer: Environment, text: string): Looked {
  if (!text.startsWith(FROM_ENVIRONMENT)) return { type: 'found', value: text };
  const name = text.slice(FROM_ENVIRONMENT.length);
  const value = outer[name];
  return value === undefined ? { type: 'missing', name } : { type: 'found', value };
}
