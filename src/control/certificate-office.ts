/**
 * Gets certificates for hosts with TLS that have none, one after the other, and renews them in time. Whatever goes
 * wrong is shown and tried again later; it never stops what serves.
 */
import { SegueError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { WebService } from '../core/project.ts';
import { type AcmeChoice, acmeDelayMs, hostsToCertify, renewAtMs } from '../core/traffic/acme.ts';
import type { CertificateFiles, CertificateState, Challenge } from '../core/traffic/certificates.ts';
import { formatDurationMs } from '../core/units.ts';
import type { Authority, KeptCertificate } from '../ports/authority.ts';
import type { Clock } from '../ports/clock.ts';

export interface OfficeParts {
  readonly authority: Authority;
  readonly clock: Clock;
  readonly services: () => readonly WebService[];
  readonly choice: () => AcmeChoice | null;
  /** Files that the user named, and what the gateway says of all that it has. */
  readonly named: () => readonly CertificateFiles[];
  readonly states: () => readonly CertificateState[];
  /** Puts certificates and challenges into force; resolves when every worker has them. */
  readonly apply: () => Promise<unknown>;
}

interface Host {
  kept: KeptCertificate | null;
  looked: boolean;
  failures: number;
  nextTryMs: number;
  trouble: string | null;
}

export class CertificateOffice {
  readonly #parts: OfficeParts;
  readonly #hosts = new Map<string, Host>();
  readonly #closing = new AbortController();
  #challenges: readonly Challenge[] = [];
  #directory = '';

  constructor(parts: OfficeParts) {
    this.#parts = parts;
  }

  /** Runs until `close`. Never rejects. */
  async run(): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#round().catch(() => undefined);
      await clock.sleep(limits.acme.lookIntervalMs, signal).catch(() => undefined);
    }
  }

  close(): void {
    this.#closing.abort();
  }

  get challenges(): readonly Challenge[] {
    return this.#challenges;
  }

  /** What was obtained, for the routing. */
  get files(): readonly CertificateFiles[] {
    return [...this.#hosts.values()].flatMap(({ kept }) => kept?.files ?? []);
  }

  /** Hosts whose certificate could not be had, as `segue status` shows them. */
  get troubles(): readonly CertificateState[] {
    return [...this.#hosts].flatMap(([host, { kept, trouble }]) =>
      trouble === null
        ? []
        : [{ certificate: host, hosts: [host], notAfterMs: kept?.notAfterMs ?? null, trouble }],
    );
  }

  async #round(): Promise<void> {
    const choice = this.#parts.choice();
    if (choice?.directory !== this.#directory) this.#hosts.clear();
    this.#directory = choice?.directory ?? '';
    if (!choice) return;
    this.#takeStock();
    for (const [host, state] of this.#hosts) {
      if (this.#closing.signal.aborted) return;
      await this.#attend(host, state, choice);
    }
  }

  #takeStock(): void {
    const { services, named, states } = this.#parts;
    const all = states();
    const byUser = named().map(({ certificate }) => certificate);
    // Before the gateway has read them nobody knows for whom they are.
    if (byUser.some((file) => !all.some(({ certificate }) => certificate === file))) return;
    const wanted = hostsToCertify(
      services(),
      all.filter(({ certificate }) => byUser.includes(certificate)),
    );
    for (const host of this.#hosts.keys()) if (!wanted.includes(host)) this.#hosts.delete(host);
    for (const host of wanted)
      if (!this.#hosts.has(host))
        this.#hosts.set(host, { kept: null, looked: false, failures: 0, nextTryMs: 0, trouble: null });
  }

  async #attend(host: string, state: Host, choice: AcmeChoice): Promise<void> {
    const { authority, clock, apply } = this.#parts;
    if (!state.looked) {
      state.looked = true;
      state.kept = await authority.find(host, choice);
      if (state.kept) await apply();
    }
    const { kept } = state;
    if (kept && clock.nowMs() < renewAtMs(kept.notBeforeMs, kept.notAfterMs)) return;
    if (clock.monotonicMs() < state.nextTryMs) return;
    try {
      const show = (challenge: Challenge) => this.#show([...this.#challenges, challenge]);
      const hide = ({ token }: Challenge) =>
        this.#show(this.#challenges.filter((each) => each.token !== token));
      state.kept = await authority.obtain({ host, authority: choice, show, hide });
      state.failures = 0;
      state.trouble = null;
      await apply();
    } catch (error) {
      state.failures += 1;
      const delayMs = acmeDelayMs(state.failures);
      state.nextTryMs = clock.monotonicMs() + delayMs;
      const why = error instanceof SegueError ? error.detail : String(error);
      state.trouble = `${why}; tried again ${formatDurationMs(delayMs)} later`;
    }
  }

  async #show(challenges: readonly Challenge[]): Promise<void> {
    this.#challenges = challenges;
    await this.#parts.apply();
  }
}
