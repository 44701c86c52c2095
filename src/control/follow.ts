import { limits } from '../core/limits.ts';
import type { Entry } from '../core/release/journal.ts';
import type { Control } from './control.ts';

/**
 * The journal of one release from `afterSeq` on: what is written already, then each new entry, to its end.
 * A follower that cannot keep up is dropped; it may ask again from where it was. Null is a heartbeat.
 */
export async function* followRelease(
  control: Control,
  id: string,
  afterSeq: number,
  signal: AbortSignal,
): AsyncGenerator<Entry | null> {
  const queue: Entry[] = [];
  let wake: () => void = () => undefined;
  let overflow = false;
  const unsubscribe = control.ledger.follow((entry) => {
    if (entry.release !== id) return;
    if (queue.length >= limits.api.followerQueueMax) overflow = true;
    else queue.push(entry);
    wake();
  });
  try {
    let seen = afterSeq;
    for await (const entry of written(control, id, afterSeq)) {
      seen = entry.seq;
      yield entry;
      if (entry.fact.kind === 'release-ended') return;
    }
    while (!signal.aborted && !overflow) {
      const entry = queue.shift();
      if (entry && entry.seq <= seen) continue;
      if (entry) {
        seen = entry.seq;
        yield entry;
        if (entry.fact.kind === 'release-ended') return;
        continue;
      }
      // It had ended before this follower began.
      if (control.ledger.release(id) === undefined) return;
      const awake = new AbortController();
      wake = () => awake.abort();
      const either = AbortSignal.any([awake.signal, signal]);
      await control.ports.clock.sleep(limits.api.heartbeatMs, either).catch(() => undefined);
      if (!either.aborted) yield null;
    }
  } finally {
    unsubscribe();
  }
}

async function* written(control: Control, release: string, afterSeq: number): AsyncGenerator<Entry> {
  const limit = limits.store.entriesPerPageMax;
  for (let after = afterSeq; ;) {
    const page = await control.ports.store.entries({ release, afterSeq: after, limit });
    yield* page;
    const last = page.at(-1);
    if (!last || page.length < limit) return;
    after = last.seq;
  }
}
