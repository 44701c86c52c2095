import path from 'node:path';
import { Control } from '../control/control.ts';
import type { ControlPorts } from '../control/ports.ts';
import { AcmeAuthority } from '../drivers/authority/acme/acme-authority.ts';
import { systemClock, systemRandomness } from '../drivers/clock/system.ts';
import { FlagFiles } from '../drivers/flags/files/flag-files.ts';
import { LocalVersionFiles } from '../drivers/files/local/local-version-files.ts';
import { JsonMetrics } from '../drivers/metrics/json/json-metrics.ts';
import { PrometheusMetrics } from '../drivers/metrics/prometheus/prometheus-metrics.ts';
import { DirectProber } from '../drivers/prober/direct/prober.ts';
import { YamlProjectFile } from '../drivers/project/yaml-file.ts';
import { ProcessRuntime } from '../drivers/runtime/process/runtime.ts';
import { openSqliteStore } from '../drivers/store/sqlite/open.ts';
import { GatewayPlane } from '../drivers/traffic/gateway/gateway-plane.ts';
import type { Store } from '../ports/store.ts';
import { LOGS_DIR } from '../wire/paths.ts';
import { entryFile } from './entry.ts';
import { lazyDatabase } from './lazy-database.ts';

export interface ControlChoices {
  readonly root: string;
  readonly environment: string | null;
  readonly onStop: (error: unknown) => void;
  /** What the store is wrapped in; the crash tests count its writes. */
  readonly wrapStore?: (store: Store) => Store;
}

/** Control with its default drivers: SQLite, processes of this machine, Segue's own gateway. */
export async function buildControl({
  root,
  environment,
  onStop,
  wrapStore,
}: ControlChoices): Promise<Control> {
  const clock = systemClock;
  const source = new YamlProjectFile(root);
  const store = await openSqliteStore({ root });
  const { database: databases, changes } = lazyDatabase();
  const plane = new GatewayPlane({ root, clock, mainFile: entryFile('gateway') });
  const ports: ControlPorts = {
    store: wrapStore ? wrapStore(store) : store,
    runtime: new ProcessRuntime({ logsDir: path.join(root, LOGS_DIR), clock, keeper: plane }),
    plane,
    prober: new DirectProber({ clock }),
    metrics: { prometheus: new PrometheusMetrics({ clock }), json: new JsonMetrics({ clock }) },
    files: new LocalVersionFiles({ root }),
    authority: new AcmeAuthority({ root }),
    source,
    flagSource: new FlagFiles(root),
    databases,
    changes,
    clock,
    random: systemRandomness,
    environment: process.env,
    pid: process.pid,
  };
  return Control.start(ports, { environment, onStop });
}
