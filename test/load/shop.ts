/** The example shop for tests, benchmarks and the demo: its versions as folders, and one running on its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SHOP_DIR = fileURLToPath(new URL('../../examples/shop/', import.meta.url));

/** What makes one version differ from another; see examples/shop/lib/version.js. */
export interface ShopVersion {
  readonly name: string;
  readonly behaviour?:
    | 'good'
    | 'never-ready'
    | 'broken-home'
    | 'crash-after-ready'
    | 'crash-at-start'
    | 'ignores-sigterm'
    | 'wrong-port'
    | 'slow-start'
    | 'fails-some'
    | 'broken-login'
    | 'leaks';
  readonly delayMs?: number;
  readonly share?: number;
  readonly takes?: { readonly medianMs: number; readonly p99Ms: number };
  readonly accent?: string;
  readonly headline?: string;
}

/** The files that run: without segue.yaml and README, which belong to the project rather than to a version. */
export async function writeShop(dir: string, version: ShopVersion): Promise<void> {
  await mkdir(dir, { recursive: true });
  for (const part of ['server.js', 'lib', 'package.json'])
    await cp(join(SHOP_DIR, part), join(dir, part), { recursive: true });
  await writeFile(join(dir, 'version.json'), `${JSON.stringify(version)}\n`);
}

export interface Shop {
  readonly port: number;
  readonly dataDir: string;
  readonly child: ChildProcess;
  /** Lines that it has written so far, both streams. */
  readonly lines: readonly string[];
  /** Ends it if it still runs, and removes what it left. */
  remove(): Promise<void>;
}

/** `port` 0: any free one. Instances that are given the same `dataDir` share log-ins and carts. */
export async function startShop(
  version: ShopVersion = { name: 'v1' },
  { dataDir, port = 0 }: { readonly dataDir?: string; readonly port?: number } = {},
): Promise<Shop> {
  const dir = await mkdtemp(join(tmpdir(), 'segue-shop-'));
  await writeShop(dir, version);
  const data = dataDir ?? join(dir, 'data');
  const env = { PATH: process.env.PATH, PORT: `${port}`, SHOP_DATA: data, SEGUE_VERSION: version.name };
  const child = spawn(process.execPath, ['server.js'], { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  const listening = Promise.withResolvers<number>();
  const onLine = (line: string) => {
    lines.push(line);
    const taken = /serves on http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1];
    if (taken !== undefined) listening.resolve(Number(taken));
  };
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', onLine);
  child.once('close', () => listening.reject(new Error(`the shop ended: ${lines.join(' | ')}`)));

  const remove = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await rm(dir, { recursive: true, force: true });
  };
  try {
    return { port: await listening.promise, dataDir: data, child, lines, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
