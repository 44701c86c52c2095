/** What all gateways forward to: nginx with one worker, fast enough not to be what is measured; Node without it. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../test/support/test-project.ts';
import { nginxFile } from './nginx.ts';
import { findProgram, Program } from './programs.ts';

export const SMALL_PATH = '/';
export const LARGE_PATH = '/large';
const SMALL_BODY = 'Hello, world!';
const LARGE_BYTES = 64 * 1024;

export interface Upstream {
  readonly name: string;
  readonly port: number;
  stop(): Promise<void>;
}

export async function startUpstream(folder: string): Promise<Upstream> {
  const port = await freePort();
  const nginx = findProgram('nginx');
  const root = path.join(folder, 'upstream');
  await fs.mkdir(root);
  await fs.writeFile(path.join(root, 'large'), randomBytes(LARGE_BYTES));
  const program = nginx
    ? new Program(1, nginx, ['-c', await writeConfiguration(folder, root, port)])
    : new Program(1, process.execPath, [
        fileURLToPath(new URL('node-upstream.ts', import.meta.url)),
        String(port),
      ]);
  await program.untilItListens(port);
  return { name: nginx ? 'nginx' : 'node', port, stop: () => program.stop() };
}

async function writeConfiguration(folder: string, root: string, port: number): Promise<string> {
  return nginxFile(folder, 'upstream', [
    'open_file_cache max=10;',
    `server { listen 127.0.0.1:${port} backlog=4096; root ${root}; default_type application/octet-stream;`,
    `  location = ${SMALL_PATH} { default_type text/plain; return 200 "${SMALL_BODY}"; } }`,
  ]);
}
