/** Several streams as one, in the order of arrival; at most one value of each waits. */
export async function* merge<T>(
  sources: readonly AsyncIterable<T>[],
  signal: AbortSignal,
): AsyncGenerator<T> {
  const iterators = sources.map((source) => source[Symbol.asyncIterator]());
  const pending = new Map(iterators.map((iterator, index) => [index, pull(iterator, index)]));
  try {
    while (pending.size > 0 && !signal.aborted) {
      const { index, result } = await Promise.race(pending.values());
      const iterator = iterators[index];
      if (result.done === true || !iterator) {
        pending.delete(index);
        continue;
      }
      pending.set(index, pull(iterator, index));
      yield result.value;
    }
  } finally {
    // Nobody waits for what is still under way, nor for how it ends.
    for (const pulled of pending.values()) pulled.catch(() => undefined);
    for (const iterator of iterators) iterator.return?.().catch(() => undefined);
  }
}

async function pull<T>(iterator: AsyncIterator<T>, index: number) {
  return { index, result: await iterator.next() };
}
