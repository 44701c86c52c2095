import { checkAnswer } from './answers.ts';
import { Connection } from './connection.ts';
import { pause, type Context } from './context.ts';
import { Body, formatHead } from './line.ts';
import { LOAD_LIMITS, type SlowReaders } from './options.ts';
import type { Answer } from './tally.ts';

/** Downloads one body after the other over connections of its own, and rests after every piece. */
export async function runSlowReader(context: Context, options: SlowReaders): Promise<void> {
  const { path = '/catalogue', restMs = 10 } = options;
  while (!context.stopping.aborted) {
    const answer = await context.tally.request(
      { method: 'GET', path, timed: false, fromMs: performance.now() },
      () => download(context, path, restMs),
      (got) => checkAnswer(got, { status: 200 }),
    );
    if (!answer) await pause(LOAD_LIMITS.afterFailureMs, context.stopping);
  }
}

async function download(context: Context, path: string, restMs: number): Promise<Answer> {
  const connection = await Connection.open(context.target, context.timeoutMs);
  const body = new Body();
  try {
    const head = await connection.exchange(formatHead(context, 'GET', path, { connection: 'close' }), {
      head: (response) => body.head(response),
      data: (chunk) => {
        body.data(chunk);
        connection.rest(restMs);
      },
    });
    body.verify(head, false);
    return { head, body: body.bytes(), reused: false };
  } finally {
    connection.close();
  }
}
