/**
 * Control's API (`wire/api.ts`) as functions. Both sides compare the API's number with every request, so a
 * response is looked at only to see that it is the right one.
 */
import path from 'node:path';
import { SegueError } from '../core/errors.ts';
import type { Json } from '../core/flags/json.ts';
import type { Entry } from '../core/release/journal.ts';
import type {
  AccessLine,
  ApplyResponse,
  ContractRequest,
  DeployRequest,
  DeployResponse,
  LogLine,
  OrderResponse,
  PlanResponse,
  PromoteRequest,
  ReleaseResponse,
  ReleasesResponse,
  RollbackRequest,
  ServicesResponse,
  StatusResponse,
  TogetherPlanResponse,
  TogetherRequest,
  TogetherResponse,
  TrafficResponse,
  WordRequest,
} from '../wire/api.ts';
import type { DatabaseStatus } from '../wire/database-api.ts';
import type {
  FlagChangeRequest,
  FlagWordRequest,
  FlagChangeResponse,
  FlagChangesResponse,
  FlagEvaluationResponse,
  FlagRolloutRequest,
  FlagsResponse,
} from '../wire/flag-api.ts';
import { CONTROL_SOCKET } from '../wire/paths.ts';
import { socketPath } from '../wire/socket-path.ts';
import { type Call, isRecord, Transport } from './transport.ts';

export interface LogQuery {
  readonly service: string | null;
  readonly instance: string | null;
  readonly lines: number;
  readonly follow: boolean;
}

type Guard<T> = (value: unknown) => value is T;

function having<T>(...keys: readonly (keyof T & string)[]): Guard<T> {
  return (value): value is T => isRecord(value) && keys.every((key) => key in value);
}

const isEntry = having<Entry>('seq', 'atMs', 'fact');
const isAccessLine = having<AccessLine>('time', 'method', 'outcome');
const isLogLine = having<LogLine>('instance', 'line');

export class ControlClient {
  readonly #root: string;
  readonly #cwd: string;
  readonly #transport: Transport;
  readonly #signal: AbortSignal | undefined;

  /** The signal ends whatever is under way. */
  constructor(root: string, cwd: string, signal?: AbortSignal) {
    this.#root = root;
    this.#cwd = cwd;
    this.#transport = new Transport(socketPath(path.join(root, CONTROL_SOCKET), cwd));
    this.#signal = signal;
  }

  /** One whose calls this signal ends as well. */
  until(signal: AbortSignal): ControlClient {
    const both = AbortSignal.any(this.#signal ? [this.#signal, signal] : [signal]);
    return new ControlClient(this.#root, this.#cwd, both);
  }

  status(): Promise<StatusResponse> {
    return this.#get('/v1/status', having<StatusResponse>('services', 'control', 'gateway'));
  }

  traffic(service: string | null): Promise<TrafficResponse> {
    const query = service === null ? '' : `?${new URLSearchParams({ service }).toString()}`;
    return this.#get(`/v1/traffic${query}`, having<TrafficResponse>('services', 'running', 'gateway'));
  }

  apply(by: string, renewGateway: boolean): Promise<ApplyResponse> {
    // Only when it is asked for: an older control does not know it.
    return this.#post(
      '/v1/apply',
      renewGateway ? { by, renewGateway } : { by },
      having<ApplyResponse>('services', 'project'),
    );
  }

  plan(request: DeployRequest): Promise<PlanResponse> {
    return this.#post('/v1/plan', request, having<PlanResponse>('plan', 'lines'));
  }

  deploy(request: DeployRequest): Promise<DeployResponse> {
    return this.#post('/v1/releases', request, having<DeployResponse>('release'));
  }

  planTogether(request: TogetherRequest): Promise<TogetherPlanResponse> {
    return this.#post('/v1/together/plan', request, having<TogetherPlanResponse>('plans'));
  }

  deployTogether(request: TogetherRequest): Promise<TogetherResponse> {
    return this.#post('/v1/together', request, having<TogetherResponse>('releases'));
  }

  /** Of segue.yaml as it is now. */
  async serviceNames(): Promise<readonly string[]> {
    return (await this.#get('/v1/services', having<ServicesResponse>('services'))).services;
  }

  rollbackAll(service: string, word: WordRequest): Promise<TogetherResponse> {
    const to = `${servicePath(service)}/rollback-all`;
    return this.#post(to, word, having<TogetherResponse>('releases'));
  }

  rollback(service: string, request: RollbackRequest): Promise<DeployResponse> {
    return this.#post(`${servicePath(service)}/rollback`, request, having<DeployResponse>('release'));
  }

  say(verb: 'abort' | 'pause' | 'resume' | 'approve', service: string, word: WordRequest) {
    return this.#post(`${servicePath(service)}/${verb}`, word, having<OrderResponse>('release'));
  }

  promote(service: string, request: PromoteRequest): Promise<OrderResponse> {
    return this.#post(`${servicePath(service)}/promote`, request, having<OrderResponse>('release'));
  }

  /** Resolves when it is done. */
  contract(request: ContractRequest): Promise<DatabaseStatus> {
    return this.#post('/v1/database/contract', request, having<DatabaseStatus>('changes'));
  }

  async down(by: string, instances: boolean): Promise<void> {
    await this.#post('/v1/down', { by, instances }, isRecord);
  }

  async releases(service: string | null, limit: number): Promise<ReleasesResponse['releases']> {
    const query = new URLSearchParams({ limit: String(limit), ...(service === null ? {} : { service }) });
    const found = await this.#get(`/v1/releases?${query.toString()}`, having<ReleasesResponse>('releases'));
    return found.releases;
  }

  release(id: string): Promise<ReleaseResponse> {
    return this.#get(releasePath(id), having<ReleaseResponse>('release', 'summary', 'entries'));
  }

  entries(id: string, afterSeq: number): AsyncGenerator<Entry> {
    return this.#lines(`${releasePath(id)}/events?after=${afterSeq}`, isEntry);
  }

  logs(query: LogQuery): AsyncGenerator<LogLine> {
    return this.#lines(`/v1/logs?${logQuery(query)}`, isLogLine);
  }

  access(query: LogQuery): AsyncGenerator<AccessLine> {
    return this.#lines(`/v1/access?${logQuery(query)}`, isAccessLine);
  }

  flags(): Promise<FlagsResponse> {
    return this.#get('/v1/flags', having<FlagsResponse>('flags', 'trouble', 'pending'));
  }

  changeFlag(flag: string, request: FlagChangeRequest): Promise<FlagChangeResponse> {
    return this.#post(`${flagPath(flag)}/change`, request, having<FlagChangeResponse>('type'));
  }

  rollOutFlag(flag: string, request: FlagRolloutRequest): Promise<OrderResponse> {
    return this.#post(`${flagPath(flag)}/rollout`, request, having<OrderResponse>('release'));
  }

  evaluateFlag(flag: string, context: Readonly<Record<string, Json>>): Promise<FlagEvaluationResponse> {
    return this.#post(
      `${flagPath(flag)}/evaluate`,
      { context },
      having<FlagEvaluationResponse>('evaluation'),
    );
  }

  flagChanges(flag: string | null, limit: number): Promise<FlagChangesResponse> {
    const query = new URLSearchParams({ limit: String(limit), ...(flag === null ? {} : { flag }) });
    return this.#get(`/v1/flag-changes?${query.toString()}`, having<FlagChangesResponse>('changes'));
  }

  sayToFlagChange(
    verb: 'undo' | 'approve',
    number: number,
    word: FlagWordRequest,
  ): Promise<FlagChangeResponse> {
    return this.#post(`/v1/flag-changes/${number}/${verb}`, word, having<FlagChangeResponse>('type'));
  }

  #get<T>(to: string, guard: Guard<T>): Promise<T> {
    return this.#call({ method: 'GET', path: to }, guard);
  }

  #post<T>(to: string, body: unknown, guard: Guard<T>): Promise<T> {
    return this.#call({ method: 'POST', path: to, body }, guard);
  }

  async #call<T>(call: Call, guard: Guard<T>): Promise<T> {
    return checked(await this.#transport.json({ ...call, signal: this.#signal }), guard);
  }

  async *#lines<T>(to: string, guard: Guard<T>): AsyncGenerator<T> {
    const lines = this.#transport.lines({ method: 'GET', path: to, signal: this.#signal });
    for await (const line of lines) yield checked(line, guard);
  }
}

function checked<T>(value: unknown, guard: Guard<T>): T {
  if (guard(value)) return value;
  throw new SegueError('BAD_REQUEST', 'Control answered with something that this CLI does not understand.');
}

function logQuery({ service, instance, lines, follow }: LogQuery): string {
  return new URLSearchParams({
    lines: String(lines),
    ...(service === null ? {} : { service }),
    ...(instance === null ? {} : { instance }),
    ...(follow ? { follow: '1' } : {}),
  }).toString();
}

const servicePath = (service: string) => `/v1/services/${encodeURIComponent(service)}`;
const flagPath = (flag: string) => `/v1/flags/${encodeURIComponent(flag)}`;
const releasePath = (id: string) => `/v1/releases/${encodeURIComponent(id)}`;
