/** What all gateways forward to: nginx with one worker, fast enough not to be what is measured; Node without it. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { somePort } from '../../test/contract/some-port.ts';
import { nginxFile } from './nginx.ts';
import { SMALL_PATH, STREAMED_PATH } from './paths.ts';
import { findProgram, Program } from './programs.ts';

const SMALL_BODY = 'Hello, world!';
const LARGE_BYTES = 64 * 1024;

export interface Upstream {
  readonly name: string;
  readonly port: number;
  readonly echoPort: number;
  readonly pids: () => readonly number[];
  stop(): Promise<void>;
}

export async function startUpstream(folder: string): Promise<Upstream> {
  const port = await somePort();
  const nginx = findProgram('nginx');
  const root = path.join(folder, 'upstream');
  await fs.mkdir(root);
  await fs.writeFile(path.join(root, 'large'), randomBytes(LARGE_BYTES / 2).toString('hex'));
  const program = nginx
    ? new Program(1, nginx, ['-c', await writeConfiguration(folder, root, port)])
    : nodeProgram(new URL('node-upstream.ts', import.meta.url), port);
  const echoPort = await somePort();
  const echo = nodeProgram(new URL('echo-upstream.ts', import.meta.url), echoPort);
  await Promise.all([program.untilItListens(port), echo.untilItListens(echoPort)]);
  return {
    name: nginx ? 'nginx' : 'node',
    port,
    echoPort,
    pids: () => [...program.pids, ...echo.pids],
    stop: async () => void (await Promise.all([program.stop(), echo.stop()])),
  };
}

function nodeProgram(file: URL, port: number): Program {
  return new Program(1, process.execPath, [fileURLToPath(file), String(port)]);
}

async function writeConfiguration(folder: string, root: string, port: number): Promise<string> {
  return nginxFile(folder, 'upstream', [
    'open_file_cache max=10;',
    `server { listen 127.0.0.1:${port} backlog=4096; root ${root}; default_type application/octet-stream;`,
    // What may contain includes has no length beforehand.
    `  location = ${STREAMED_PATH} { ssi on; ssi_types *; alias ${root}/large; }`,
    `  location = ${SMALL_PATH} { default_type text/plain; return 200 "${SMALL_BODY}"; } }`,
  ]);
}
