import { formatDurationMs } from '../../../core/units.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Probe, Prober, ProbeResult } from '../../../ports/prober.ts';
import { runCommand } from './command-probe.ts';
import { CALLED_OFF, failed, nameOf, oneLine, type Finding } from './finding.ts';
import { requestHttp } from './http-probe.ts';
import { connectTcp } from './tcp-probe.ts';

/** Asks from this machine and this process, with nothing kept between two questions. */
export class DirectProber implements Prober {
  readonly #clock: Clock;

  constructor(options: { readonly clock: Clock }) {
    this.#clock = options.clock;
  }

  async probe(probe: Probe, timeoutMs: number, signal?: AbortSignal): Promise<ProbeResult> {
    const startedAtMs = this.#clock.monotonicMs();
    const { passed, detail } = await this.#within(timeoutMs, signal, probe);
    return { passed, detail: oneLine(detail), tookMs: this.#clock.monotonicMs() - startedAtMs };
  }

  /** The first of: an answer, the end of the time, the caller's change of mind. It ends the other two. */
  async #within(timeoutMs: number, signal: AbortSignal | undefined, probe: Probe): Promise<Finding> {
    if (signal?.aborted) return CALLED_OFF;
    const over = new AbortController();
    const waiting = signal ? AbortSignal.any([over.signal, signal]) : over.signal;
    const late = this.#clock.sleep(timeoutMs, waiting).then(
      () => failed(`${nameOf(probe)} took longer than ${formatDurationMs(timeoutMs)}`),
      () => CALLED_OFF,
    );
    try {
      return await Promise.race([ask(probe, waiting, this.#clock), late]);
    } finally {
      over.abort();
    }
  }
}

function ask(probe: Probe, signal: AbortSignal, clock: Clock): Promise<Finding> {
  switch (probe.type) {
    case 'http':
      return requestHttp(probe, signal);
    case 'tcp':
      return connectTcp(probe, signal);
    case 'command':
      return runCommand(probe, signal, clock);
  }
}
