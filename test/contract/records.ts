/** Small valid records for the contract suites. */
import type { NewEntry } from '../../src/core/release/journal.ts';
import type {
  InstanceRecord,
  ReleaseRecord,
  ServiceRecord,
  VersionRecord,
} from '../../src/core/release/records.ts';
import { BEGIN } from '../../src/core/release/state.ts';
import { EMPTY_ROTATION } from '../../src/core/traffic/rotation.ts';
import { serviceSpec } from '../support/service-spec.ts';

export function serviceRecord(name: string, change: Partial<ServiceRecord> = {}): ServiceRecord {
  return {
    name,
    stable: null,
    previous: null,
    wanted: 3,
    rotation: EMPTY_ROTATION,
    activeRelease: null,
    ...change,
  };
}

export function versionRecord(version: string, change: Partial<VersionRecord> = {}): VersionRecord {
  return {
    service: 'web',
    version,
    digest: `digest of ${version}`,
    filesDigest: `files of ${version}`,
    files: 1,
    bytes: 10,
    spec: serviceSpec({ name: change.service ?? 'web' }),
    keptAtMs: 1_000,
    removed: false,
    ...change,
  };
}

export function instanceRecord(id: string, change: Partial<InstanceRecord> = {}): InstanceRecord {
  return {
    id,
    service: 'web',
    version: 'v1',
    release: 'r1',
    phase: 'running',
    host: '127.0.0.1',
    port: 20_000,
    secretHash: 'ab'.repeat(32),
    mark: { pid: 1_234, startTime: '5678' },
    wasReady: true,
    ready: true,
    crashes: 0,
    createdAtMs: 1_000,
    ...change,
  };
}

export function releaseRecord(id: string, change: Partial<ReleaseRecord> = {}): ReleaseRecord {
  const service = change.service ?? 'web';
  return {
    id,
    service,
    kind: 'deploy',
    by: 'someone',
    from: null,
    to: 'v1',
    plan: {
      release: id,
      service,
      strategy: 'rolling',
      from: null,
      to: 'v1',
      steps: [],
      certificate: { to: null, ways: [], problems: [] },
    },
    state: BEGIN,
    baseline: [],
    startedAtMs: 1_000,
    endedAtMs: null,
    receipt: null,
    ...change,
  };
}

/** An entry that is told from others by its pid. */
export function entry(pid: number, change: Partial<NewEntry> = {}): NewEntry {
  return {
    atMs: 1_000 + pid,
    release: null,
    service: null,
    fact: { kind: 'gateway-started', pid },
    ...change,
  };
}
