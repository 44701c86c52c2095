/**
 * What control asks of the gateway as the keeper of public sockets. The gateway may be lost between an order and
 * its answer; the order then fails, and whoever gave it looks whether the instance runs.
 */
import { SegueError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import type { DirectExit, DirectLaunch, DirectProcess } from '../../../ports/socket-keeper.ts';
import type { Occupant } from '../../../wire/direct-messages.ts';
import type { FromGateway, ToGateway } from '../../../wire/gateway-messages.ts';

type Answer = Extract<FromGateway, { type: 'launched' | 'not-launched' | 'exited' }>;

interface Order {
  readonly resolve: (process: DirectProcess) => void;
  readonly reject: (error: SegueError) => void;
}

export class DirectOrders {
  readonly #orders = new Map<number, Order>();
  readonly #occupants = new Map<string, Occupant>();
  readonly #listeners = new Set<(exit: DirectExit) => void>();
  #number = 0;

  async launch(order: DirectLaunch, send: (message: ToGateway) => void): Promise<DirectProcess> {
    this.#number += 1;
    const request = this.#number;
    const launched = new Promise<DirectProcess>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new SegueError('GATEWAY_UNREACHABLE', `It did not say whether ${order.id} was started.`));
      }, limits.gateway.ackTimeoutMs);
      this.#orders.set(request, {
        resolve: (process) => {
          clearTimeout(timer);
          resolve(process);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
    }).finally(() => this.#orders.delete(request));
    send({ type: 'launch', request, order });
    const { pid, start } = await launched;
    const { id, service, version, tokenHash, listen } = order;
    this.#occupants.set(id, { id, service, version, tokenHash, listen, pid, start });
    return { pid, start };
  }

  adopt(occupant: Occupant): void {
    this.#occupants.set(occupant.id, occupant);
  }

  /** What a gateway that was found, or started anew, has to know. */
  get introduction(): ToGateway[] {
    const occupants = [...this.#occupants.values()];
    return occupants.length === 0 ? [] : [{ type: 'occupants', occupants }];
  }

  onExit(listener: (exit: DirectExit) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  take(answer: Answer): void {
    if (answer.type === 'exited') {
      const { id, pid, code, signal } = answer;
      if (this.#occupants.get(id)?.pid === pid) this.#occupants.delete(id);
      // After everybody who waits for its start has heard of that.
      setImmediate(() => {
        for (const listener of this.#listeners) listener({ id, pid, code, signal });
      });
      return;
    }
    const order = this.#orders.get(answer.request);
    if (answer.type === 'launched') order?.resolve({ pid: answer.pid, start: answer.start });
    else order?.reject(new SegueError(answer.code, answer.detail));
  }

  rejectAll(error: SegueError): void {
    for (const order of this.#orders.values()) order.reject(error);
  }
}
