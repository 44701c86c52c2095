import type { Authority } from '../ports/authority.ts';
import type { Clock, Randomness } from '../ports/clock.ts';
import type { ChangeSource, DatabaseOpener } from '../ports/database.ts';
import type { FlagSource } from '../ports/flag-source.ts';
import type { MetricSources } from '../ports/metrics.ts';
import type { Prober } from '../ports/prober.ts';
import type { ProjectSource } from '../ports/project-source.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { Store } from '../ports/store.ts';
import type { TrafficPlane } from '../ports/traffic-plane.ts';
import type { VersionFiles } from '../ports/version-files.ts';

/** All that control needs from outside; `main/control.ts` builds it. */
export interface ControlPorts {
  readonly store: Store;
  readonly runtime: Runtime;
  readonly plane: TrafficPlane;
  readonly prober: Prober;
  readonly metrics: MetricSources;
  readonly files: VersionFiles;
  readonly authority: Authority;
  readonly source: ProjectSource;
  readonly flagSource: FlagSource;
  readonly databases: DatabaseOpener;
  readonly changes: ChangeSource;
  readonly clock: Clock;
  readonly random: Randomness;
  /** Control's own environment: the source of `env:NAME` values and of the few that instances inherit. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
}
