/**
 * A routing as it travels: a frame, then only the services that differ from a routing that the other side has, in
 * parts so small that reading one delays no request. Services that did not change stay the same objects there, so
 * whoever puts the routing in force sees at a glance what to touch.
 */
import { limits } from '../limits.ts';
import type { Routing, ServiceRouting } from './routing.ts';
import type { GatewaySettings } from './settings.ts';

export interface RoutingFrame {
  readonly number: number;
  readonly fence: number;
  readonly settings: GatewaySettings;
  /** The number of the routing that has what the parts leave out; null: they leave nothing out. */
  readonly base: number | null;
  /** Of all its services, in order. */
  readonly names: readonly string[];
}

export interface PartedRouting {
  readonly frame: RoutingFrame;
  readonly parts: readonly (readonly ServiceRouting[])[];
}

/** Several receivers are sent the same services. */
const texts = new WeakMap<ServiceRouting, string>();

function textOf(service: ServiceRouting): string {
  let text = texts.get(service);
  if (text === undefined) texts.set(service, (text = JSON.stringify(service)));
  return text;
}

/** What one receiver was sent, so that the next routing can be said in short. */
export class RoutingParts {
  #sent: { readonly number: number; readonly texts: ReadonlyMap<string, string> } | null = null;

  next({ number, fence, services, settings }: Routing): PartedRouting {
    const before = this.#sent;
    const now = new Map(services.map((service) => [service.service, textOf(service)]));
    const changed = services.filter(({ service }) => before?.texts.get(service) !== now.get(service));
    this.#sent = { number, texts: now };
    const names = services.map(({ service }) => service);
    return {
      frame: { number, fence, settings, base: before?.number ?? null, names },
      parts: partsOf(changed),
    };
  }
}

function partsOf(services: readonly ServiceRouting[]): ServiceRouting[][] {
  const parts: ServiceRouting[][] = [];
  let room = 0;
  for (const service of services) {
    const size = 1 + service.backends.length + service.draining.length;
    if (room < size || parts.length === 0) {
      parts.push([]);
      room = limits.gateway.routingPartSize;
    }
    parts.at(-1)?.push(service);
    room -= size;
  }
  return parts;
}

/** The other side: a routing that is on its way. */
export class RoutingAssembly {
  readonly frame: RoutingFrame;
  readonly #services: Map<string, ServiceRouting>;

  /** Null when `current` is not the routing that the parts build on. */
  static begin(frame: RoutingFrame, current: Routing | null): RoutingAssembly | null {
    if (frame.base !== null && frame.base !== current?.number) return null;
    return new RoutingAssembly(frame, frame.base === null ? [] : (current?.services ?? []));
  }

  private constructor(frame: RoutingFrame, services: readonly ServiceRouting[]) {
    this.frame = frame;
    this.#services = new Map(services.map((service) => [service.service, service]));
  }

  add(services: readonly ServiceRouting[]): void {
    for (const service of services) this.#services.set(service.service, service);
  }

  /** Null when a service is missing. */
  routing(): Routing | null {
    const { number, fence, settings, names } = this.frame;
    const services = names.flatMap((name) => this.#services.get(name) ?? []);
    return services.length === names.length ? { number, fence, settings, services } : null;
  }
}
