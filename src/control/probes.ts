import type { Check, SmokeTest } from '../core/project.ts';
import type { Probe } from '../ports/prober.ts';

/** Where a check or a smoke test is carried out. */
export interface ProbeTarget {
  readonly host: string;
  readonly port: number;
  /** Sent as `Host`, so that a service with a host route is met; null: the address itself. */
  readonly hostHeader: string | null;
  readonly dir: string;
  /** Of commands. Asked for when one is run: it may throw ENVIRONMENT_VALUE_MISSING. */
  readonly env: () => Readonly<Record<string, string>>;
}

const ANY_SUCCESS = { status: null, contains: null, headers: {} } as const;

export function probeOfCheck(check: Check, target: ProbeTarget): Probe {
  switch (check.type) {
    case 'http':
      return { type: 'http', url: check.url, method: 'GET', headers: {}, body: null, expect: ANY_SUCCESS };
    case 'path': {
      const url = urlOf(target, check.path);
      return { type: 'http', url, method: 'GET', headers: {}, body: null, expect: ANY_SUCCESS };
    }
    case 'tcp':
      return { type: 'tcp', host: check.host ?? target.host, port: check.port ?? target.port };
    case 'command':
      return { type: 'command', command: check.command, dir: target.dir, env: target.env() };
  }
}

export function probeOfSmokeTest(test: SmokeTest, target: ProbeTarget): Probe {
  if (test.type === 'command') {
    const env = { ...target.env(), SEGUE_URL: urlOf(target, '') };
    return { type: 'command', command: test.command, dir: target.dir, env };
  }
  const { method, path, body, expect } = test;
  const host = target.hostHeader ? { host: target.hostHeader } : {};
  return {
    type: 'http',
    url: urlOf(target, path),
    method,
    headers: { ...host, ...test.headers },
    body,
    expect,
  };
}

function urlOf({ host, port }: ProbeTarget, path: string): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}${path}`;
}
