/**
 * An upgraded connection: bytes both ways, each way ended by itself. A WebSocket of a draining instance is asked
 * to reconnect with a close frame between two frames of the instance's (T3, RFC 6455 s. 5.5.1); the client's
 * answer is the close frame that the instance sees, so both ends close as the protocol has it.
 */
import type { ClientSocket } from './client-socket.ts';
import { limits } from '../core/limits.ts';
import { ANSWERED } from './access-log/record.ts';
import type { Call } from './call.ts';
import type { ClientTunnel } from './client-connection.ts';
import { monotonicMs } from './clock.ts';
import type { LongStream } from './drain.ts';
import type { Instance } from './instance.ts';
import type { Ticket } from './tally.ts';
import type { Upstream, UpstreamUser } from './upstream.ts';
import { closeFrame, FrameTracker, SERVICE_RESTART } from './websocket-frames.ts';

export interface Tunnelled {
  readonly call: Call;
  readonly protocol: string;
  readonly instance: Instance;
  readonly ticket: Ticket;
  readonly upstream: Upstream;
  /** The 101 for the client, and what the instance sent right after its own. */
  readonly switching: Buffer;
  readonly rest: Buffer;
}

const EMPTY = Buffer.alloc(0);
const SWITCHING_PROTOCOLS = 101;

export function tunnel(tunnelled: Tunnelled): void {
  const made = /^websocket$/i.test(tunnelled.protocol)
    ? new WebSocketTunnel(tunnelled)
    : new Tunnel(tunnelled);
  made.open(tunnelled);
}

/** Of a protocol that is not known: nothing is put in, and nothing says when to end. */
class Tunnel implements UpstreamUser, ClientTunnel, LongStream {
  protected readonly client: ClientSocket;
  protected readonly upstream: Upstream;
  readonly #instance: Instance;
  readonly #ticket: Ticket;
  readonly #call: Call;
  #clientSide: 'open' | 'ended' | 'closed' = 'open';
  #upstreamSide: 'open' | 'ended' | 'closed' = 'open';

  constructor({ call, instance, ticket, upstream }: Tunnelled) {
    this.client = call.client.becomeTunnel(this);
    this.upstream = upstream;
    this.#instance = instance;
    this.#ticket = ticket;
    this.#call = call;
    upstream.user = this;
  }

  open({ call, switching, rest }: Tunnelled): void {
    this.client.write(switching);
    this.#ticket.becomeUpgraded();
    if (rest.length > 0) this.toClient(rest);
    const unread = call.client.takeUnread();
    if (unread.length > 0) this.fromClient(unread);
    if (call.client.halfClosed) this.clientEnded();
    this.#instance.add(this);
  }

  fromClient(bytes: Buffer): void {
    this.#ticket.passed(bytes.length, 0);
    if (this.upstream.writable && !this.upstream.send(bytes)) this.client.pause();
  }

  read(bytes: Buffer, from: number, to: number): boolean {
    this.toClient(bytes.subarray(from, to));
    if (this.client.writableLength === 0) return true;
    this.#boundClient();
    // The bytes are the connection's own buffer: nothing more is read into it before they have left.
    this.client.write(EMPTY, () => {
      this.#clientTook();
      this.upstream.resume();
    });
    return false;
  }

  upstreamDrained(): void {
    this.client.resume();
  }

  clientEnded(): void {
    this.#clientSide = 'ended';
    this.upstream.end();
  }

  upstreamEnded(): void {
    this.#upstreamSide = 'ended';
    this.#boundClient();
    this.client.end(() => this.#clientTook());
  }

  clientClosed(): void {
    const bothEnded = this.#clientSide === 'ended' && this.#upstreamSide === 'ended';
    this.#clientSide = 'closed';
    // What the client sent before its end may still be on its way.
    if (bothEnded) this.upstream.deadlineMs = monotonicMs() + limits.gateway.clientStallTimeoutMs;
    else this.upstream.destroy();
    this.#closed();
  }

  upstreamClosed(): void {
    this.#upstreamSide = 'closed';
    this.client.destroySoon();
    this.#boundClient();
    this.#closed();
  }

  connected(): void {}

  /** A tunnel has no deadline but for its last words. */
  upstreamExpired(): void {
    this.upstream.destroy();
  }

  /** An unknown protocol has no word for it. */
  tell(): void {}

  cut(): void {
    this.client.destroy();
    this.upstream.destroy();
  }

  protected toClient(bytes: Buffer): void {
    this.#ticket.passed(0, bytes.length);
    if (this.client.writable) this.client.write(bytes);
  }

  /** It has something to take. */
  #boundClient(): void {
    this.#call.client.deadlineMs = monotonicMs() + limits.gateway.clientStallTimeoutMs;
  }

  #clientTook(): void {
    if (this.#upstreamSide !== 'closed') this.#call.client.deadlineMs = Infinity;
  }

  #closed(): void {
    if (this.#clientSide !== 'closed' || this.#upstreamSide !== 'closed') return;
    this.#instance.remove(this);
    this.#ticket.end({ type: 'answered', status: 200 });
    if (this.#call.log !== null) this.#call.log.record(this.#call, ANSWERED, SWITCHING_PROTOCOLS);
  }
}

class WebSocketTunnel extends Tunnel {
  readonly #fromClient = new FrameTracker();
  readonly #fromUpstream = new FrameTracker();
  #state: 'open' | 'told' | 'closing' = 'open';
  #ending: NodeJS.Timeout | undefined;

  override fromClient(bytes: Buffer): void {
    this.#fromClient.pass(bytes);
    if (this.#state === 'closing' && this.#fromClient.closed) {
      this.#ending ??= setTimeout(() => this.cut(), limits.gateway.tunnelCloseMs);
    }
    super.fromClient(bytes);
  }

  override tell(): void {
    if (this.#state !== 'open') return;
    this.#state = 'told';
    if (this.#fromUpstream.atBoundary) this.#close();
  }

  override cut(): void {
    clearTimeout(this.#ending);
    super.cut();
  }

  override upstreamClosed(): void {
    clearTimeout(this.#ending);
    super.upstreamClosed();
  }

  protected override toClient(bytes: Buffer): void {
    switch (this.#state) {
      case 'open':
        this.#fromUpstream.pass(bytes);
        return super.toClient(bytes);
      case 'told': {
        const end = this.#fromUpstream.nextEnd(bytes, 0);
        super.toClient(bytes.subarray(0, end));
        if (end !== undefined) this.#close();
        return;
      }
      case 'closing':
    }
  }

  #close(): void {
    this.#state = 'closing';
    // After the instance's own close frame nothing may follow.
    if (!this.#fromUpstream.closed) super.toClient(closeFrame(SERVICE_RESTART, 'service restart'));
  }
}
