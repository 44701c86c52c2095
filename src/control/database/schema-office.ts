/** All that control has to do with the database that is released with the code. */
import type { SegueError } from '../../core/errors.ts';
import type { DatabaseChoice, Service } from '../../core/project.ts';
import { holdersOf } from '../../core/release/contract.ts';
import type { Plan } from '../../core/release/plan.ts';
import type { TrafficWindow } from '../../core/traffic/traffic-window.ts';
import type { ContractView, DatabaseStatus } from '../../wire/database-api.ts';
import type { Ledger } from '../ledger.ts';
import type { ControlPorts } from '../ports.ts';
import { ContractDesk } from './contract-desk.ts';
import { knownBy, memoryOf } from './memory.ts';
import { SchemaDesk } from './schema-desk.ts';
import { standingOf } from './standing.ts';
import { SchemaWork } from './schema-work.ts';

export interface OfficeParts {
  readonly ports: ControlPorts;
  readonly ledger: Ledger;
  readonly window: TrafficWindow;
  readonly services: () => readonly Service[];
  readonly choice: () => DatabaseChoice | null;
  /** Flags that need a change of the database. */
  readonly flagsNeeding: (change: string) => readonly { readonly flag: string; readonly raised: number }[];
  /** Takes a release back. */
  readonly fail: (release: string, error: SegueError) => void;
}

export class SchemaOffice {
  readonly desk: SchemaDesk;
  readonly work: SchemaWork;
  readonly contracts: ContractDesk;
  readonly #parts: OfficeParts;

  constructor(parts: OfficeParts) {
    const { ports, ledger, window, choice, fail } = parts;
    const { clock, plane } = ports;
    this.#parts = parts;
    const desk = new SchemaDesk({ ports, ledger, choice });
    const services = () => parts.services().filter(({ name }) => desk.uses(name));
    this.desk = desk;
    this.work = new SchemaWork({
      ...{ clock, ledger, desk, fail },
      latency: { clock, plane, ledger, window, services },
    });
    const flags = (change: string) =>
      parts
        .flagsNeeding(change)
        .map(({ flag }) => `the flag ${flag} needs ${change}, and can still be lowered`);
    this.contracts = new ContractDesk({ clock, plane, ledger, desk, work: this.work, flags });
  }

  /** As far as it is known without asking the database now. Null: there is none. */
  status(): DatabaseStatus | null {
    if (this.desk.choice === null) return null;
    const { ledger, ports } = this.#parts;
    const standing = standingOf(ledger, ports.plane.report(), (service) => this.desk.uses(service));
    const raised = (change: string) =>
      this.#parts
        .flagsNeeding(change)
        .flatMap((one) => (one.raised > 0 ? [`the flag ${one.flag} is raised and needs it`] : []));
    const usedBy = (change: string) => [
      ...holdersOf(standing, (service, version) => !knownBy(ledger, service, version).includes(change)),
      ...raised(change),
    ];
    return {
      changes: memoryOf(ledger).changes.map(({ name, reach, halfway }) => ({
        ...{ name, reach, halfway },
        usedBy: usedBy(name),
      })),
      backfills: this.work.progress,
      contracts: this.contracts.coming,
      trouble: this.contracts.trouble,
    };
  }

  /** Those that come after a release, as they are now. */
  contractsOf({ certificate: { contracts = [] } }: Plan): ContractView[] {
    const { changes } = memoryOf(this.#parts.ledger);
    return contracts.map(({ name }) => {
      const { reach = 'new', halfway = null } = changes.find((change) => change.name === name) ?? {};
      const standing = this.contracts.coming.find(({ change }) => change === name) ?? null;
      return { change: name, reach, halfway, standing };
    });
  }

  close(): void {
    this.work.close();
    this.contracts.close();
  }
}
