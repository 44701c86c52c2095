/** All of flags that control has: the desk, the event streams, and the doors at which programs ask. */
import { createHmac } from 'node:crypto';
import { SegueError } from '../../core/errors.ts';
import type { FlagChoices } from '../../core/flags/choices.ts';
import { type EdgeLacks, type EdgeRouting, edgeRouting, FLAGS_KEY_PURPOSE } from '../../core/flags/edge.ts';
import type { WebService } from '../../core/project.ts';
import type { Ledger } from '../ledger.ts';
import type { ControlPorts } from '../ports.ts';
import { stickyKeyOf } from '../sticky-key.ts';
import { FlagDesk } from './flag-desk.ts';
import { FlagRaises } from './flag-raises.ts';
import { FlagStreams } from './flag-streams.ts';
import { OfrepDoor } from './ofrep-door.ts';
import { OfrepHandler } from './ofrep-handler.ts';
import { RolloutDesk, type RolloutDeskParts } from './rollout-desk.ts';
import { type RolloutParts, RolloutWork } from './rollout-work.ts';

export interface FlagOfficeParts {
  readonly ports: ControlPorts;
  readonly ledger: Ledger;
  readonly choices: () => FlagChoices;
  readonly onChange: () => void;
  readonly onFault: (error: unknown) => void;
}

export class FlagOffice {
  readonly desk: FlagDesk;
  readonly raises: FlagRaises;
  readonly streams: FlagStreams;
  readonly door: OfrepDoor;
  /** On control's own socket, for its owner. */
  readonly ofrep: OfrepHandler;
  readonly #parts: FlagOfficeParts;
  readonly #choices: () => FlagChoices;
  readonly #ledger: Ledger;
  #rollouts: RolloutDesk | null = null;

  constructor(parts: FlagOfficeParts) {
    const { ports, ledger, choices, onChange, onFault } = parts;
    this.#parts = parts;
    this.#choices = choices;
    this.#ledger = ledger;
    this.desk = new FlagDesk({ ports, ledger, choices, onFault });
    this.raises = new FlagRaises({ ledger, desk: this.desk, clock: ports.clock, choices });
    this.streams = new FlagStreams(this.desk);
    this.door = new OfrepDoor(ports, this.desk, this.streams);
    const { clock } = ports;
    this.ofrep = new OfrepHandler({
      ...{ desk: this.desk, streams: this.streams, clients: null, origins: [] },
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
    });
    this.desk.onChange(onChange);
    const { usage } = this.desk;
    ports.plane.onReport((report) => usage.takeReport(report));
    ports.plane.onEvent((event) => usage.followPlane(event));
  }

  /** Reads the files; called again whenever segue.yaml may say something else. */
  async apply(): Promise<void> {
    await this.door.apply(this.#choices().ofrep);
    await this.desk.look();
    this.#rollouts?.look();
  }

  /** What the engine carries out of releases of flags. */
  work(parts: Pick<RolloutParts, 'judge' | 'traffic'>): RolloutWork {
    return new RolloutWork({ ...this.#parts, ...parts, desk: this.desk });
  }

  /** From here on flags can be released. */
  releaseBy(parts: Pick<RolloutDeskParts, 'engine' | 'orders' | 'judge' | 'services' | 'isService'>): void {
    this.#rollouts = new RolloutDesk({ ...this.#parts, ...parts, desk: this.desk });
  }

  get rollouts(): RolloutDesk {
    if (this.#rollouts) return this.#rollouts;
    throw new SegueError('UNEXPECTED', 'flags cannot be released yet');
  }

  /** What was in force before is still; files that are wrong are nothing to go on from in silence. */
  refuseTrouble(): void {
    const { trouble } = this.desk;
    if (trouble.length > 0) throw new SegueError('FLAGS_INVALID', trouble.join('\n'));
  }

  /** What the gateway evaluates for the requests of a service; null: nothing. */
  edgeOf({ name, traffic }: WebService): EdgeRouting | null {
    // Versions that an older Segue released say nothing of flags.
    const flags = traffic.flags as WebService['traffic']['flags'] | undefined;
    if (!flags) return null;
    const routing = edgeRouting(flags, this.desk.set, this.desk.shares);
    const without = this.#lacking(name, routing.flags);
    return Object.keys(without).length > 0 ? { ...routing, without } : routing;
  }

  /** Of the versions that run, what of these flags each has no code of: nothing that is raised reaches it. */
  #lacking(service: string, flags: readonly string[]): Record<string, EdgeLacks> {
    const { desk } = this;
    const running = this.#ledger.instances.filter((each) => each.service === service);
    const versions = new Set(running.map(({ version }) => version));
    const lacking: Record<string, Record<string, string | null>> = {};
    for (const flag of flags) {
      const code = desk.ceilings.codeOf(flag, desk.notesOf(flag)).find((each) => each.service === service);
      // Of a version that nobody knows nothing can be said.
      if (!code || code.versions.length === 0) continue;
      for (const version of versions)
        if (!code.versions.includes(version)) (lacking[version] ??= {})[flag] = desk.lowestOf(flag);
    }
    return lacking;
  }

  async close(): Promise<void> {
    await this.desk.close();
    this.streams.close();
    await this.door.close();
  }
}

/** What instances verify the gateway's header with; it says nothing about the key that cookies are signed with. */
export function flagsKeyOf(ledger: Ledger): string | null {
  const key = stickyKeyOf(ledger);
  return key === null ? null : createHmac('sha256', key).update(FLAGS_KEY_PURPOSE).digest('base64url');
}
