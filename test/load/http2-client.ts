import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2';
import { checkAnswer } from './answers.ts';
import { pause, type Context } from './context.ts';
import { RequestFailure } from './failure.ts';
import { Body } from './line.ts';
import { LOAD_LIMITS, type Http2Clients } from './options.ts';
import type { ResponseHead } from './response-reader.ts';
import type { Answer } from './tally.ts';

const TRIES_MAX = 5;
const BODY = 'a stream of many, and none of them lost '.repeat(20);

/** One connection with several requests at once, in clear text; another one when the server says good-bye. */
export async function runHttp2Client(context: Context, options: Http2Clients): Promise<void> {
  const { streams, thinkMs = 0 } = options;
  const line = new Http2Line(context);
  await Promise.all(
    Array.from({ length: streams }, (_, number) => runStream(context, line, number, thinkMs)),
  );
  await line.close();
}

async function runStream(context: Context, line: Http2Line, number: number, thinkMs: number): Promise<void> {
  const posts = number % 2 === 1;
  const attempt = { method: posts ? 'POST' : 'GET', path: posts ? '/upload' : '/', timed: true };
  const contains = posts ? `"size":${BODY.length}` : 'Shop';
  while (!context.stopping.aborted) {
    const answer = await context.tally.request(
      { ...attempt, fromMs: performance.now() },
      () => line.send(attempt.method, attempt.path, posts ? BODY : ''),
      (got) => checkAnswer(got, { status: 200, contains }),
    );
    await pause(answer ? thinkMs : LOAD_LIMITS.afterFailureMs, context.stopping);
  }
}

class Http2Line {
  readonly #context: Context;
  #session: ClientHttp2Session | null = null;

  constructor(context: Context) {
    this.#context = context;
  }

  /**
   * A refused stream was not processed, by the word of RFC 9113 s. 8.7, and goes to the next session. Mostly it is
   * Node's own client that refuses, what it has in its queue when a good-bye comes. Counted, so that it is seen.
   */
  async send(method: string, path: string, text: string): Promise<Answer> {
    for (let tries = 1; ; tries += 1) {
      const answer = await this.#sendOnce(method, path, text);
      if (answer) return answer;
      this.#context.tally.refusedStreams += 1;
      if (tries === TRIES_MAX) throw new RequestFailure('refused', `${tries} sessions refused the stream`);
    }
  }

  /** Null: refused. */
  #sendOnce(method: string, path: string, text: string): Promise<Answer | null> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer | null>();
    const session = this.#open();
    const { localPort = 0 } = session.socket;
    const body = new Body();
    let head: ResponseHead | null = null;
    const fail = (reason: RequestFailure['reason'], detail: string) =>
      reject(new RequestFailure(reason, detail, { localPort, head }));
    const stream = session.request({ ':method': method, ':path': path }, { endStream: text === '' });
    stream.setTimeout(this.#context.timeoutMs, () => {
      fail('timeout', `silent for ${this.#context.timeoutMs} ms`);
      stream.close();
    });
    stream.on('response', (headers) => {
      head = headOf(headers);
      body.head(head);
    });
    stream.on('data', (chunk: Buffer) => body.data(chunk));
    stream.on('error', (error) => {
      if (!head && stream.rstCode === constants.NGHTTP2_REFUSED_STREAM) resolve(null);
      else fail('reset', error.message);
    });
    stream.on('close', () => {
      if (!head || !stream.readableEnded) return fail('closed', `stream error ${stream.rstCode}`);
      try {
        body.verify(head, false);
        resolve({ head, body: body.bytes(), reused: false });
      } catch (error) {
        reject(error);
      }
    });
    if (text !== '') stream.end(text);
    return promise;
  }

  async close(): Promise<void> {
    const session = this.#session;
    if (!session || session.destroyed) return;
    await new Promise<void>((resolve) => session.close(resolve));
  }

  /** A session that was told to go is closed for new streams at once; those that it has end on it. */
  #open(): ClientHttp2Session {
    if (this.#session && !this.#session.closed && !this.#session.destroyed) return this.#session;
    const { host, port } = this.#context.target;
    const session = connect(`http://${host}:${port}`);
    // Every stream hears of it by itself.
    session.on('error', () => session.destroy());
    this.#session = session;
    return session;
  }
}

function headOf(headers: IncomingHttpHeaders & { readonly ':status'?: number | undefined }): ResponseHead {
  const pairs = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    value === undefined || name.startsWith(':') ? [] : [[name, [value].flat().join(', ')]],
  );
  return { status: headers[':status'] ?? 0, headers: new Map(pairs), keepAlive: true };
}
