/** What is measured, and what it is held against. */
import type { RivalName } from './rival.ts';
import type { Load, Slice } from './slice.ts';
import { LARGE_PATH, SMALL_PATH, STREAMED_PATH, WEBSOCKET_PATH } from './paths.ts';

type Figure = Exclude<keyof Slice, 'foreignPercent'>;

/** Of the median of the ratios, one for each round. */
export interface Target {
  readonly rival: RivalName;
  readonly figure: Figure;
  readonly what: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface Scenario {
  readonly title: string;
  readonly load: Load;
  /** Instead of a fixed rate: this part of what both this gateway and HAProxy manage. */
  readonly partOfMost?: number;
  readonly targets: readonly Target[];
}

const usual: Load = { path: SMALL_PATH, protocol: 'http', keepAlive: true, connections: 64, perSecond: null };
const perCpuSecond = { figure: 'perCpuSecond', what: 'requests per CPU-second' } as const;

export const FIRST: Scenario = {
  title: '13 bytes, connections kept',
  load: usual,
  targets: [
    { rival: 'haproxy', ...perCpuSecond, atLeast: 1 },
    { rival: 'caddy', ...perCpuSecond, atLeast: 5 },
  ],
};

export const OTHERS: readonly Scenario[] = [
  {
    title: '13 bytes, connections kept, at half the rate that this gateway and HAProxy both reached',
    load: usual,
    partOfMost: 0.5,
    targets: [{ rival: 'haproxy', figure: 'p99Ms', what: 'p99 at half load', atMost: 1.2 }],
  },
  {
    title: '13 bytes, connections kept, 2000 requests per second',
    load: { ...usual, perSecond: 2_000 },
    targets: [],
  },
  { title: '13 bytes, one connection per request', load: { ...usual, keepAlive: false }, targets: [] },
  {
    title: '64 KB, connections kept',
    load: { ...usual, path: LARGE_PATH },
    targets: [{ rival: 'haproxy', figure: 'perSecond', what: 'requests per second', atLeast: 1.2 }],
  },
  { title: '64 KB in chunks, connections kept', load: { ...usual, path: STREAMED_PATH }, targets: [] },
  { title: '13 bytes, TLS, connections kept', load: { ...usual, protocol: 'https' }, targets: [] },
  {
    title: '13 bytes, TLS, one connection per request',
    load: { ...usual, protocol: 'https', keepAlive: false },
    targets: [],
  },
  { title: '13 bytes, HTTP/2 over TLS', load: { ...usual, protocol: 'h2' }, targets: [] },
  {
    title: 'WebSocket messages of 100 bytes, each answered by one',
    load: { ...usual, path: WEBSOCKET_PATH, protocol: 'messages' },
    targets: [],
  },
];
