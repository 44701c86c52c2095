import { createHash, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { Connection } from './connection.ts';
import { pause, type Context } from './context.ts';
import { RequestFailure } from './failure.ts';
import { formatHead } from './line.ts';
import { LOAD_LIMITS, type WebSockets } from './options.ts';
import { wallMs } from './tally.ts';
import { closeCode, closeFrame, FrameReader, maskedFrame, OPCODE, type Frame } from './websocket-frames.ts';

/** RFC 6455 s. 7.4.1, "service restart": the server asks for a new connection. */
const SERVICE_RESTART = 1012;
const ECHO_MARK = 'echo ';

/** One WebSocket that reconnects when told; any other end is a failure. */
export async function runWebSocket(context: Context, options: WebSockets): Promise<void> {
  const { tally, stopping } = context;
  const { path = '/live' } = options;
  let connected = false;
  while (!stopping.aborted) {
    const openedAtMs = wallMs();
    try {
      const { socket, rest } = await open(context, path, options.headers ?? {});
      if (connected) tally.websocket.reconnected += 1;
      else tally.websocket.opened += 1;
      connected = true;
      const session = new Session(context, socket, options.echoEveryMs);
      await session.run(rest);
      if (!stopping.aborted) tally.websocket.told += 1;
    } catch (error) {
      if (stopping.aborted && error instanceof RequestFailure) return;
      tally.streamBroke(tally.websocket, path, openedAtMs, error);
      await pause(LOAD_LIMITS.afterFailureMs, stopping);
    }
  }
}

async function open(context: Context, path: string, headers: Readonly<Record<string, string>>) {
  const key = randomBytes(16).toString('base64');
  const connection = await Connection.open(context.target, context.timeoutMs);
  const request = formatHead(context, 'GET', path, {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': key,
    ...headers,
  });
  try {
    const head = await connection.exchange(request, { head: () => undefined, data: () => undefined });
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    if (head.status !== 101) throw new RequestFailure('status', `${head.status} in place of 101`, { head });
    if (head.headers.get('sec-websocket-accept') !== accept)
      throw new RequestFailure('malformed', 'wrong Sec-WebSocket-Accept', { head });
    return connection.detach();
  } catch (error) {
    connection.close();
    throw error;
  }
}

class Session {
  readonly #context: Context;
  readonly #socket: Socket;
  readonly #localPort: number;
  readonly #echoEveryMs: number | null;
  readonly #frames = new FrameReader();
  readonly #end = Promise.withResolvers<void>();
  #told = false;
  #number = 0;
  #awaited: string | null = null;
  #awaitedSinceMs = 0;

  constructor(context: Context, socket: Socket, echoEveryMs: number | null = 200) {
    this.#context = context;
    this.#socket = socket;
    this.#localPort = socket.localPort ?? 0;
    this.#echoEveryMs = echoEveryMs;
  }

  /** Resolves when the server closed with 1012, or the load stopped. */
  async run(rest: Buffer): Promise<void> {
    const { tally, stopping, timeoutMs } = this.#context;
    const socket = this.#socket;
    const onStop = () => {
      socket.end(closeFrame(1000));
      this.#end.resolve();
    };
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => this.#onClose(error));
    socket.on('close', () => this.#onClose(null));
    // A server that said good-bye must also close; one that does neither is as bad as one that cuts.
    socket.setTimeout(timeoutMs, () => this.#fail('silent', `nothing for ${timeoutMs} ms`));
    stopping.addEventListener('abort', onStop);
    const timer = this.#echoEveryMs === null ? null : setInterval(() => this.#echo(), this.#echoEveryMs);
    tally.websocket.open += 1;
    try {
      if (rest.length > 0) this.#onData(rest);
      socket.resume();
      if (stopping.aborted) onStop();
      await this.#end.promise;
    } finally {
      tally.websocket.open -= 1;
      if (timer) clearInterval(timer);
      stopping.removeEventListener('abort', onStop);
      socket.destroySoon();
    }
  }

  #onData(chunk: Buffer): void {
    try {
      for (const frame of this.#frames.push(chunk)) this.#onFrame(frame);
    } catch (error) {
      this.#end.reject(error);
    }
  }

  #onFrame({ opcode, payload }: Frame): void {
    switch (opcode) {
      case OPCODE.ping:
        this.#socket.write(maskedFrame(OPCODE.pong, payload));
        return;
      case OPCODE.close:
        return this.#onCloseFrame(closeCode(payload));
      case OPCODE.text: {
        this.#context.tally.websocket.messages += 1;
        const text = payload.toString('utf8');
        if (!text.startsWith(ECHO_MARK)) return;
        if (text !== this.#awaited) return this.#fail('lost', `"${text}" in place of "${this.#awaited}"`);
        this.#awaited = null;
      }
    }
  }

  #onCloseFrame(code: number): void {
    if (code !== SERVICE_RESTART) return this.#fail('close-code', `closed with ${code}`);
    this.#told = true;
    // RFC 6455 s. 5.5.1 and 7.1.1: answer with a close frame; the server then ends the connection.
    this.#socket.write(closeFrame(SERVICE_RESTART));
  }

  #onClose(error: NodeJS.ErrnoException | null): void {
    if (this.#told) this.#end.resolve();
    else if (error) this.#fail('reset', error.message);
    else this.#fail('closed', 'without a close frame');
  }

  #echo(): void {
    if (this.#told) return;
    if (this.#awaited !== null) {
      const waitedMs = performance.now() - this.#awaitedSinceMs;
      if (waitedMs > this.#context.timeoutMs) this.#fail('silent', `no "${this.#awaited}" came back`);
      return;
    }
    this.#number += 1;
    this.#awaited = `${ECHO_MARK}${this.#number}`;
    this.#awaitedSinceMs = performance.now();
    this.#socket.write(maskedFrame(OPCODE.text, Buffer.from(this.#awaited)));
  }

  #fail(reason: RequestFailure['reason'], detail: string): void {
    this.#end.reject(new RequestFailure(reason, detail, { localPort: this.#localPort }));
  }
}
