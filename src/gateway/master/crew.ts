/**
 * The workers of a gateway, of all generations. The newest generation accepts; one that is followed by another goes
 * on with what is connected to it, gets every routing and is waited for like the others (T4, R2). A worker that
 * ends without being told to is replaced; one that hangs is killed first.
 */
import type { Socket } from 'node:net';
import { limits } from '../../core/limits.ts';
import { listenKey } from '../../core/listen.ts';
import { addressesOf } from '../../core/traffic/addresses.ts';
import type { TrafficReport } from '../../core/traffic/counts.ts';
import type { Routing } from '../../core/traffic/routing.ts';
import { SEGUE_VERSION } from '../../wire/version.ts';
import { type Join, type MemberName, WORKER_PROTOCOL } from '../../wire/worker-messages.ts';
import type { FailedListen } from '../listeners.ts';
import { Conditions } from './conditions.ts';
import { Expected } from './expected.ts';
import type { HeldSockets } from './held-sockets.ts';
import { acceptWorker, Member, type MemberLink, type WorkerSaid } from './member.ts';
import type { Starts } from './starts.ts';

export interface CrewOptions {
  readonly sockets: HeldSockets;
  readonly starts: Starts;
  /** How many workers are to accept, unless told otherwise. */
  readonly workers: number;
  readonly log: (line: string) => void;
  readonly onReport: (member: string, report: TrafficReport, urgent: boolean) => void;
  readonly onGone: (member: string) => void;
  /** A worker of an earlier master accepts on what this one has no socket for. */
  readonly onStranger: (member: Member) => void;
  /** A worker has started a master that is ready to follow this one. */
  readonly onRescued: () => void;
}

/** Of workers that came from another master and are not as ours are. */
const STRANGE = 0;

export class Crew {
  readonly #options: CrewOptions;
  readonly #members = new Map<string, Member>();
  readonly #expected = new Expected(() => this.#tend());
  readonly #conditions = new Conditions();
  #afterwards: 'retire' | 'keep' = 'keep';
  #generation = STRANGE + 1;
  #size: number;
  #routing: Routing | null = null;
  #keep = false;
  #asked = 0;
  #leaving = false;

  constructor(options: CrewOptions) {
    this.#options = options;
    this.#size = options.workers;
    options.starts.onEnded = (id) => this.#gone(id, 'it ended before it was there');
  }

  get members(): readonly Member[] {
    return [...this.#members.values()];
  }

  /** Everybody that serves has told its counts: together they are the whole (R2). */
  get complete(): boolean {
    return this.#expected.nobody && this.members.every((m) => m.reported || !m.joined);
  }

  /** Workers of an earlier master, that will join now, and what becomes of them once the own ones accept. */
  expect(names: readonly MemberName[], afterwards: 'retire' | 'keep'): void {
    this.#afterwards = afterwards;
    this.#expected.add(names.filter(({ id }) => !this.#members.has(id)));
  }

  /** Resolves when it is in force in every worker (R3), with the addresses that could not be listened on. */
  async route(routing: Routing, keep: boolean): Promise<readonly FailedListen[]> {
    this.#routing = routing;
    this.#keep = keep;
    this.#size = routing.settings.workers ?? this.#options.workers;
    const wanted = this.#wanted;
    // A worker has the sockets that it was started with: for more of them there have to be others.
    if (this.#current.some(({ sockets }) => wanted.some((key) => !sockets.has(key)))) this.#generation += 1;
    for (const member of this.#members.values()) this.#tell(member, routing);
    this.#tend();
    await this.#conditions.until(() => this.#runs(routing.number));
    const failed = this.#current.flatMap((member) => member.failed);
    return [...new Map(failed.map((each) => [listenKey(each.listen), each])).values()];
  }

  /** Resolves when clients are served by this routing, whoever else is still missing. */
  covered(number: number): Promise<void> {
    return this.#conditions.until(() => this.#routing?.number === number && this.#isCovered());
  }

  accept(socket: Socket): void {
    acceptWorker(socket, {
      onJoin: (join, link) => this.#join(join, link),
      onMessage: (member, message) => this.#heard(member, message),
      onClosed: (member, why) => {
        if (this.#members.get(member.id) === member) this.#gone(member.id, why);
      },
    });
  }

  /** Called about once a second. */
  tick(): void {
    for (const member of this.#members.values()) {
      if (!member.tick()) continue;
      this.#options.log(`worker ${member.id} (pid ${member.pid}) says nothing: killed`);
      member.kill();
    }
  }

  /** Resolves when everybody has reported since now, or the time is over. */
  async askReports(): Promise<void> {
    this.#asked += 1;
    const asked = this.#asked;
    const of = this.members.filter((member) => member.joined);
    for (const member of of) member.send({ type: 'report', asked });
    const answered = (member: Member) => member.answered >= asked || this.#members.get(member.id) !== member;
    await this.#conditions.until(() => of.every(answered), limits.gateway.workerReportMs);
  }

  /** All generations. Resolves when the last one is gone; those that do not go are killed. */
  async stop(graceMs: number): Promise<void> {
    await this.#conditions.until(() => this.#expected.nobody);
    this.leave();
    for (const member of this.#members.values()) {
      if (member.joined) member.stop(graceMs);
      else this.#members.delete(member.id);
    }
    const gone = () => this.#members.size === 0;
    await this.#conditions.until(gone, graceMs + limits.gateway.workerStopMs);
    for (const member of this.#members.values()) member.kill();
    await this.#conditions.until(gone);
  }

  /** Nothing is started, replaced or told any more. */
  leave(): void {
    this.#leaving = true;
    this.#options.starts.stop();
  }

  #join(join: Join, link: MemberLink): Member | null {
    if (join.protocol !== WORKER_PROTOCOL || this.#leaving) return null;
    const known = this.#members.get(join.id);
    if (known?.joined) return null;
    const member = known ?? new Member(join, STRANGE, join.stage);
    member.join(link, join);
    this.#options.starts.joined(member.id);
    if (!known) this.#takeIn(member, join);
    this.#members.set(member.id, member);
    if (this.#routing) this.#tell(member, this.#routing);
    this.#tend();
    return member;
  }

  /** One of an earlier master. It becomes one of ours if it is as ours are, and ours are too few. */
  #takeIn(member: Member, { version }: Join): void {
    const { sockets, onStranger, log } = this.#options;
    log(`worker ${member.id} (pid ${member.pid}) comes from another master, ${member.stage}`);
    if (member.stage !== 'serving') return;
    if ([...member.sockets].some((key) => !sockets.has(key))) onStranger(member);
    const fits = version === SEGUE_VERSION && this.#wanted.every((key) => member.sockets.has(key));
    if (this.#afterwards === 'keep' && fits && this.#current.length < this.#size)
      member.generation = this.#generation;
  }

  #heard(member: Member, message: WorkerSaid): void {
    switch (message.type) {
      case 'ack':
        member.routing = message.number;
        member.failed = message.failed;
        break;
      case 'report':
        this.#options.onReport(member.id, message.report, message.urgent);
        // Ten times a second, and nobody waits for most of them.
        if (message.asked === null && member.reported) return;
        member.reported = true;
        this.#expected.settled(member.id);
        member.answered = message.asked ?? member.answered;
        break;
      case 'rescued':
        this.#options.onRescued();
        break;
    }
    this.#tend();
  }

  /** Those that are followed keep what they listen on, until the others do. */
  #tell(member: Member, routing: Routing): void {
    const followed = member.stage === 'serving' && member.generation !== this.#generation;
    // What is bounded for the whole gateway has to be shared out among so many.
    const settings = { ...routing.settings, workers: this.#size };
    if (member.joined) member.route({ ...routing, settings }, this.#keep || followed);
  }

  #gone(id: string, why: string): void {
    const member = this.#members.get(id);
    if (!member) return;
    this.#members.delete(id);
    this.#expected.settled(id);
    this.#options.onGone(id);
    const lost = member.stage === 'serving' && !this.#leaving;
    this.#options.log(`worker ${id} (pid ${member.pid}) is gone${lost ? `: ${why}` : ''}`);
    if (lost && member.generation === this.#generation) this.#options.starts.lost(member.joined);
    this.#tend();
  }

  /** Those that accept or are about to. */
  get #current(): readonly Member[] {
    return this.members.filter((m) => m.generation === this.#generation && m.stage === 'serving');
  }

  /** What is to be listened on and can be. */
  get #wanted(): readonly string[] {
    if (!this.#routing) return [];
    return addressesOf(this.#routing.services, this.#routing.settings)
      .map(listenKey)
      .filter((key) => this.#options.sockets.has(key));
  }

  /** Everybody who is connected runs it, and whatever is to be accepted on is. */
  #runs(number: number): boolean {
    const all = this.members.every((member) => !member.joined || member.routing === number);
    return this.complete && ((all && this.#isCovered()) || this.#routing?.number !== number);
  }

  #isCovered(): boolean {
    const wanted = this.#wanted;
    const number = this.#routing?.number;
    return wanted.length === 0 || this.#current.some((m) => m.routing === number && m.accepts(wanted));
  }

  /** After every change: too few workers become more, those that are followed let go, those who wait go on. */
  #tend(): void {
    if (!this.#leaving) {
      this.#fill();
      this.#letGo();
      this.#boundGenerations();
      this.#nameHeirs();
    }
    this.#conditions.changed();
  }

  #fill(): void {
    const current = this.#current;
    const surplus = current.filter((member) => member.joined).slice(this.#size);
    for (const member of surplus) member.retire();
    // Those that are expected may be the ones that are missing.
    const waits = this.#afterwards === 'keep' && !this.#expected.nobody;
    if (this.#wanted.length === 0 || waits) return;
    const { starts, sockets } = this.#options;
    const start = () => {
      const started = starts.start();
      if (!started) return;
      const member = new Member(started, this.#generation, 'serving');
      member.sockets = new Set(sockets.keys);
      this.#members.set(started.id, member);
    };
    starts.whenDue(this.#size - current.length, start, () => this.#tend());
  }

  /** Whoever accepts for the newest generation now does so on all that these have. */
  #letGo(): void {
    const { sockets } = this.#options;
    for (const member of this.#members.values()) {
      const { joined, stage, generation } = member;
      if (!joined || generation === this.#generation || (stage !== 'serving' && generation !== STRANGE))
        continue;
      if (!this.#isCovered() || ![...member.sockets].every((key) => sockets.has(key))) continue;
      if (generation === STRANGE) member.retire();
      else member.release();
    }
  }

  /** The eldest that only has connections left is asked to end them, and in the end told to. */
  #boundGenerations(): void {
    const old = this.members.filter((member) => member.joined && member.stage !== 'serving');
    const surplus = old.length - limits.gateway.drainingWorkersMax;
    for (const member of old.slice(0, Math.max(0, surplus))) {
      if (member.stage === 'released') member.retire();
      else member.stop(limits.gateway.stopGraceMs);
    }
  }

  #nameHeirs(): void {
    const accepting = this.#current.filter((member) => member.joined);
    const members = this.members.filter((m) => m.joined).map(({ id, pid }) => ({ id, pid }));
    for (const member of this.#members.values()) {
      const rank = accepting.indexOf(member);
      member.nameHeir({ type: 'heir', rank: rank === -1 ? null : rank, members });
    }
  }
}
