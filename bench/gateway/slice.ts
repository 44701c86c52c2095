/** A short stretch of load on one gateway: what came through, how fast, and what it cost. */
import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { quantileOf } from '../support/spread.ts';
import { cpuMs, ForeignLoad } from './processor.ts';
import { pinned } from './programs.ts';
import { portOf, type Protocol, type Rival } from './rival.ts';

/** The programs that make the load. */
export interface Loaders {
  readonly folder: string;
  readonly wrk: string;
  readonly h2load: string | undefined;
  readonly upstreamPids: readonly number[];
}

export interface Load {
  readonly path: string;
  /** `messages`: WebSocket messages instead of requests. */
  readonly protocol: Protocol | 'messages';
  readonly keepAlive: boolean;
  readonly connections: number;
  /** Null: the next request as soon as the last one is answered. */
  readonly perSecond: number | null;
}

export interface Slice {
  readonly perSecond: number;
  readonly perCpuSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How much of the machine others used meanwhile. */
  readonly foreignPercent: number;
}

/** What a loader reports. */
interface Answers {
  readonly requests: number;
  readonly durationUs: number;
  readonly failures: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

const run = promisify(execFile);
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
/** Beyond the slice: connecting takes its time on a busy machine. */
const LATE_MS = 20_000;
/** h2load never ends when its time is over before one of its connections is open. */
const H2LOAD_TRIES = 3;

/** As a browser sends them. */
const FIELDS = [
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Accept-Language: en-US,en;q=0.5',
  'Accept-Encoding: gzip, deflate, br',
  'Cookie: session=0123456789abcdef0123456789abcdef; theme=dark',
  'Referer: http://shop.example.com/previous/page',
];

export async function measure(loaders: Loaders, rival: Rival, load: Load, seconds: number): Promise<Slice> {
  const pids = rival.pids();
  const foreign = new ForeignLoad([...pids, ...loaders.upstreamPids]);
  const before = cpuMs(pids);
  const answers = await offer(loaders, rival, load, seconds);
  const usedMs = cpuMs(pids) - before;
  if (answers.requests === 0 || answers.failures > 0)
    throw new Error(`${rival.name}: ${answers.requests} answers, ${answers.failures} failures`);
  return {
    perSecond: (answers.requests * 1e6) / answers.durationUs,
    perCpuSecond: (answers.requests * 1e3) / usedMs,
    p50Ms: answers.p50Us / 1e3,
    p99Ms: answers.p99Us / 1e3,
    foreignPercent: foreign.percent(),
  };
}

function offer(loaders: Loaders, rival: Rival, load: Load, seconds: number): Promise<Answers> {
  if (load.protocol === 'messages') return byMessages(rival, load, seconds);
  const url = `${load.protocol === 'http' ? 'http' : 'https'}://127.0.0.1:${portOf(rival, load.protocol)}${load.path}`;
  const ordinary = load.protocol !== 'h2' && load.perSecond === null;
  return ordinary ? byWrk(loaders, url, load, seconds) : byH2load(loaders, url, load, seconds);
}

async function onLoadCore(program: string, args: readonly string[], seconds: number): Promise<string> {
  const [file, all] = pinned(1, program, args);
  const timeout = seconds * 1_000 + LATE_MS;
  const { stdout } = await run(file, all, { maxBuffer: OUTPUT_BYTES_MAX, timeout });
  return stdout;
}

/** The last line of wrk's script and of the load of messages. */
function readFigures(stdout: string): Answers {
  const figures = /^FIGURES (.*)$/m.exec(stdout)?.[1]?.split(' ').map(Number) ?? [];
  const [requests = 0, durationUs = 0, failures = 0, p50Us = 0, p99Us = 0] = figures;
  return { requests, durationUs, failures, p50Us, p99Us };
}

const SCRIPT = `done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("FIGURES %d %d %d %d %d\\n", summary.requests, summary.duration,
    e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99)))
end
`;

async function byWrk({ folder, wrk }: Loaders, url: string, load: Load, seconds: number): Promise<Answers> {
  const script = path.join(folder, 'wrk.lua');
  await fs.writeFile(script, SCRIPT);
  const fields = load.keepAlive ? FIELDS : [...FIELDS, 'Connection: close'];
  const args = [
    '-t',
    '1',
    '-c',
    String(load.connections),
    '-d',
    `${seconds}s`,
    '--timeout',
    '30s',
    '-s',
    script,
  ];
  return readFigures(
    await onLoadCore(wrk, [...args, ...fields.flatMap((each) => ['-H', each]), url], seconds),
  );
}

async function byMessages(rival: Rival, load: Load, seconds: number): Promise<Answers> {
  const program = new URL('message-load.ts', import.meta.url).pathname;
  const args = [program, rival.port, load.path, load.connections, seconds].map(String);
  return readFigures(await onLoadCore(process.execPath, args, seconds));
}

async function untilItEnds(load: () => Promise<string>, log: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    await fs.rm(log, { force: true });
    try {
      await load();
      return;
    } catch (error) {
      const wasKilled = error instanceof Error && 'killed' in error && error.killed === true;
      if (!wasKilled || tries === H2LOAD_TRIES) throw error;
    }
  }
}

/** One line per request: when it began, its status, and how long it took in microseconds. */
async function byH2load(
  { folder, h2load }: Loaders,
  url: string,
  { protocol, connections, perSecond }: Load,
  seconds: number,
): Promise<Answers> {
  if (h2load === undefined) throw new Error('h2load is not installed');
  const log = path.join(folder, 'h2load.log');
  const args = ['-c', String(connections), '-t', '1', '-D', String(seconds), '--log-file', log];
  if (protocol !== 'h2') args.push('--h1');
  if (perSecond !== null) args.push('--rps', String(Math.max(1, perSecond / connections)));
  args.push(...FIELDS.flatMap((each) => ['-H', each]), url);
  await untilItEnds(() => onLoadCore(h2load, args, seconds), log);
  const lines = (await fs.readFile(log, 'utf8')).trimEnd().split('\n');
  const requests = lines.map((line) => line.split('\t').map(Number));
  const durationsUs = requests.map(([, , durationUs = 0]) => durationUs);
  return {
    requests: requests.length,
    durationUs: seconds * 1e6,
    failures: requests.filter(([, status]) => status !== 200).length,
    p50Us: quantileOf(durationsUs, 0.5),
    p99Us: quantileOf(durationsUs, 0.99),
  };
}
