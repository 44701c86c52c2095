/**
 * One act on the database at a time, in the order of asking. A backfill may take hours, and a way back must not wait
 * for it (R4): it stands back between two batches, and goes on behind those that asked meanwhile.
 */

export interface Asking {
  /** A backfill: it stands back for whatever else is asked. */
  readonly yields: boolean;
  readonly signal: AbortSignal;
}

interface Turn {
  readonly yields: boolean;
  readonly standBack: AbortController;
  readonly begin: () => void;
}

export class DatabaseTurns {
  readonly #waiting: Turn[] = [];
  #atWork: Turn | null = null;

  /** Rejects with the signal's reason when it is aborted before the turn comes; `work` hears it by itself. */
  async take<T>({ yields, signal }: Asking, work: (standBack: AbortSignal) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const { promise: begun, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => {
      this.#waiting.splice(this.#waiting.indexOf(turn), 1);
      reject(signal.reason);
    };
    const begin = () => {
      signal.removeEventListener('abort', leave);
      resolve();
    };
    const turn: Turn = { yields, begin, standBack: new AbortController() };
    signal.addEventListener('abort', leave, { once: true });
    this.#waiting.push(turn);
    this.#next();
    await begun;
    try {
      return await work(turn.standBack.signal);
    } finally {
      this.#atWork = null;
      this.#next();
    }
  }

  #next(): void {
    const first = this.#waiting.find(({ yields }) => !yields);
    if (this.#atWork !== null) {
      if (first && this.#atWork.yields) this.#atWork.standBack.abort(new Error('others need the database'));
      return;
    }
    const turn = first ?? this.#waiting[0];
    if (!turn) return;
    this.#waiting.splice(this.#waiting.indexOf(turn), 1);
    this.#atWork = turn;
    turn.begin();
  }
}
