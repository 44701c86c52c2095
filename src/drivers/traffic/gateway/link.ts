/** One connection to the gateway's socket, from `hello` to its end. The first report says that we are welcome. */
import net, { type Socket } from 'node:net';
import { SegueError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import {
  type FromGateway,
  fromGateway,
  GATEWAY_PROTOCOL,
  type ToGateway,
} from '../../../wire/gateway-messages.ts';
import { LineSplitter } from '../../../wire/lines.ts';

export type GatewayHello = Extract<FromGateway, { type: 'hello' }>;

export interface LinkEvents {
  readonly onMessage: (message: Exclude<FromGateway, GatewayHello>) => void;
  readonly onClosed: (detail: string) => void;
}

export class GatewayLink {
  readonly #socket: Socket;
  readonly hello: GatewayHello;

  private constructor(socket: Socket, hello: GatewayHello) {
    this.#socket = socket;
    this.hello = hello;
  }

  /**
   * Null when nobody answers on the socket. Throws FENCED_OUT (R7), and GATEWAY_UNREACHABLE for one that speaks
   * another protocol: it carries traffic, so it is not replaced without being asked.
   */
  static async connect(path: string, fence: number, events: LinkEvents): Promise<GatewayLink | null> {
    const socket = await dial(path);
    if (!socket) return null;
    return new Promise((resolve, reject) => {
      let link: GatewayLink | undefined;
      let welcome = false;
      let refusal: SegueError | undefined;
      let why = 'The connection was closed.';
      const fail = (detail: string) => {
        why = detail;
        socket.destroy();
      };
      const take = (message: FromGateway) => {
        if (message.type !== 'hello') {
          if (!link) return fail('It does not begin with hello.');
          if (welcome) return events.onMessage(message);
          clearTimeout(timer);
          if (message.type === 'refused') {
            refusal = new SegueError(message.code, message.reason);
            return socket.destroy();
          }
          welcome = true;
          resolve(link);
          events.onMessage(message);
        } else if (message.protocol !== GATEWAY_PROTOCOL) {
          fail(
            `It speaks protocol ${message.protocol} (Segue ${message.version}), this control ${GATEWAY_PROTOCOL}.`,
          );
        } else {
          link = new GatewayLink(socket, message);
          link.send({ type: 'hello', protocol: GATEWAY_PROTOCOL, fence, changes: true, workers: true });
        }
      };
      const timer = setTimeout(() => fail('It does not say hello.'), limits.gateway.ackTimeoutMs);
      readMessages(socket, take, fail);
      socket.on('error', (error) => (why = error.message));
      socket.once('close', () => {
        clearTimeout(timer);
        if (welcome) events.onClosed(why);
        else reject(refusal ?? new SegueError('GATEWAY_UNREACHABLE', why));
      });
    });
  }

  get closed(): boolean {
    return this.#socket.destroyed;
  }

  send(message: ToGateway): void {
    this.#socket.write(`${JSON.stringify(message)}\n`);
  }

  close(): void {
    this.#socket.destroy();
  }
}

function dial(path: string): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = net.connect(path);
    const onError = () => resolve(null);
    socket.once('error', onError);
    socket.once('connect', () => {
      socket.off('error', onError);
      resolve(socket);
    });
  });
}

function readMessages(
  socket: Socket,
  take: (message: FromGateway) => void,
  fail: (detail: string) => void,
): void {
  const splitter = new LineSplitter(limits.gateway.protocolLineBytesMax);
  socket.on('data', (chunk: Buffer) => {
    try {
      for (const line of splitter.push(chunk)) {
        const raw: unknown = JSON.parse(line);
        take(understood(raw));
      }
    } catch (error) {
      fail(`Its message was not understood: ${error instanceof Error ? error.message : String(error)}.`);
    }
  });
}

function understood(raw: unknown): FromGateway {
  const parsed = fromGateway.safeParse(raw);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new TypeError(issue ? `${issue.path.join('.')}: ${issue.message}` : 'unknown shape');
}
