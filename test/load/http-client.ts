import { checkAnswer } from './answers.ts';
import { pause, Pacer, type Context } from './context.ts';
import { Line, type HttpRequest } from './line.ts';
import { LOAD_LIMITS, type HttpClients } from './options.ts';

/** One connection's worth of plain requests, until the load stops. */
export async function runHttpClient(context: Context, client: HttpClients): Promise<void> {
  const { method, path: always, expect = {}, timed = true } = client;
  const paths = client.paths ?? [always];
  const line = new Line(context, client.kind);
  const pacer = new Pacer(client, context.stopping);
  const request: Omit<HttpRequest, 'path'> = {
    method,
    ...(client.headers && { headers: client.headers }),
    ...(client.body !== undefined && { body: client.body }),
  };
  for (let turn = 0; ; turn += 1) {
    const path = paths[turn % paths.length] ?? always;
    const fromMs = await pacer.next();
    if (context.stopping.aborted) break;
    const answer = await context.tally.request(
      { method, path, timed, fromMs },
      () => line.send({ ...request, path }),
      (got) => checkAnswer(got, expect),
    );
    if (!answer) {
      line.close();
      await pause(LOAD_LIMITS.afterFailureMs, context.stopping);
    }
  }
  line.close();
}
