/** A short stretch of load on one gateway, from wrk: what came through, how fast, and what it cost. */
import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { cpuMs, pinned } from './programs.ts';
import type { Rival } from './rivals.ts';

export interface Load {
  readonly path: string;
  readonly keepAlive: boolean;
}

export interface Slice {
  readonly perSecond: number;
  readonly perCpuSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const CONNECTIONS = 64;
const run = promisify(execFile);

/** Fields as a browser sends them, and the figures in a form that is easy to read back. */
export async function writeScript(folder: string): Promise<string> {
  const file = path.join(folder, 'wrk.lua');
  await fs.writeFile(
    file,
    `wrk.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
wrk.headers["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
wrk.headers["Accept-Language"] = "en-US,en;q=0.5"
wrk.headers["Accept-Encoding"] = "gzip, deflate, br"
wrk.headers["Cookie"] = "session=0123456789abcdef0123456789abcdef; theme=dark"
wrk.headers["Referer"] = "http://shop.example.com/previous/page"
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("FIGURES %d %d %d %d %d\\n", summary.requests, summary.duration,
    e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99)))
end
`,
  );
  return file;
}

export async function measure(
  wrk: string,
  script: string,
  rival: Rival,
  load: Load,
  seconds: number,
): Promise<Slice> {
  const args = ['-t', '1', '-c', String(CONNECTIONS), '-d', `${seconds}s`, '-s', script];
  if (!load.keepAlive) args.push('-H', 'Connection: close');
  const before = cpuMs(rival.pids);
  const [file, all] = pinned(1, wrk, [...args, `http://127.0.0.1:${rival.port}${load.path}`]);
  const { stdout } = await run(file, all);
  const usedMs = cpuMs(rival.pids) - before;
  const figures = /^FIGURES (.*)$/m.exec(stdout)?.[1]?.split(' ').map(Number) ?? [];
  const [requests = 0, durationUs = 0, errors = 0, p50Us = 0, p99Us = 0] = figures;
  if (requests === 0 || errors > 0)
    throw new Error(`${rival.name}: ${requests} answers, ${errors} failures\n${stdout}`);
  return {
    perSecond: (requests * 1e6) / durationUs,
    perCpuSecond: (requests * 1e3) / usedMs,
    p50Ms: p50Us / 1e3,
    p99Ms: p99Us / 1e3,
  };
}
