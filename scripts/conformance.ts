/**
 * `npm run conformance`: the programs that others wrote to try HTTP/2 and WebSocket servers, against this gateway,
 * and against what stands behind it alone. What fails only through the gateway is ours. Both are looked for on the
 * PATH: h2spec (`go install github.com/summerwind/h2spec/cmd/h2spec@latest`), and wstest of Autobahn's test suite
 * (`pip install autobahntestsuite`, Python 2.7). Exit code 1 when something fails through the gateway alone.
 */
import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import http from 'node:http';
import http2 from 'node:http2';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { WebSocketServer } from 'ws';
import * as z from 'zod';
import { DEFAULT_POLICY } from '../src/core/traffic/policy.ts';
import { DEFAULT_SETTINGS } from '../src/core/traffic/settings.ts';
import { Gateway } from '../src/gateway/gateway.ts';

const run = promisify(execFile);
const TIMEOUT_MS = 30 * 60_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

async function portOf(server: http.Server | http2.Http2Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** A gateway of this process, in front of one instance. */
async function before(port: number): Promise<{ port: number; stop: () => Promise<void> }> {
  const free = http.createServer();
  const listen = { host: '127.0.0.1', port: await portOf(free) };
  await new Promise((resolve) => free.close(resolve));
  const gateway = new Gateway({ log: console.log, onDue: () => undefined });
  const backends = [{ id: 'a', version: 'v1', host: '127.0.0.1', port }];
  const failed = await gateway.apply({
    ...{ number: 1, fence: 1, settings: DEFAULT_SETTINGS },
    services: [
      {
        ...{ service: 'web', listen, proxied: true, routes: [{ host: null, path: '/' }], backends },
        ...{ split: null, rules: [], shadow: null, sticky: null, slowStartMs: 0, draining: [] },
        ...{ hold: { forMs: 1_000, requestsMax: 10 }, responseMs: 30_000, policy: DEFAULT_POLICY },
        ...{ tls: null, protocol: 'http1', flags: null },
      },
    ],
  });
  if (failed.length > 0) throw new Error(`the gateway does not listen: ${JSON.stringify(failed)}`);
  return { port: listen.port, stop: () => gateway.stop(0) };
}

/** Undefined: it is not installed. What a program of tests says is in what it prints, not in its exit code. */
async function output(program: string, args: readonly string[]): Promise<string | undefined> {
  try {
    return (await run(program, [...args], { timeout: TIMEOUT_MS, maxBuffer: OUTPUT_BYTES_MAX })).stdout;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    if (error instanceof Error && 'stdout' in error && typeof error.stdout === 'string') return error.stdout;
    throw error;
  }
}

interface Trial {
  readonly failed: ReadonlySet<string>;
  readonly all: number;
}

async function h2spec(port: number): Promise<Trial | undefined> {
  const report = path.join(await fs.mkdtemp(path.join(os.tmpdir(), 'h2spec-')), 'report.xml');
  const said = await output('h2spec', ['-h', '127.0.0.1', '-p', String(port), '-o', '2', '-j', report]);
  if (said === undefined) return undefined;
  const xml = await fs.readFile(report, 'utf8');
  await fs.rm(path.dirname(report), { recursive: true });
  const cases = [
    ...xml.matchAll(/<testcase package="([^"]*)" classname="([^"]*)"[^>]*?(?:\/>|>([^]*?)<\/testcase>)/g),
  ];
  const failed = cases.filter(([, , , inside = '']) => /<(?:failure|error)/.test(inside));
  return { all: cases.length, failed: new Set(failed.map(([, part, name]) => `${part}: ${name}`)) };
}

const REPORT = z.object({
  segue: z.record(z.string(), z.object({ behavior: z.string(), behaviorClose: z.string() })),
});

/** h2spec gives each answer little time: what fails once is what a busy machine does. */
async function steadily(trial: () => Promise<Trial | undefined>): Promise<Trial | undefined> {
  const [one, other] = [await trial(), await trial()];
  if (!one || !other) return undefined;
  return { all: one.all, failed: new Set([...one.failed].filter((name) => other.failed.has(name))) };
}

async function autobahn(port: number): Promise<Trial | undefined> {
  const dir = await fs.mkdtemp(path.join(os.tmpdir(), 'autobahn-'));
  const outdir = path.join(dir, 'report');
  const servers = [{ agent: 'segue', url: `ws://127.0.0.1:${port}` }];
  const spec = path.join(dir, 'spec.json');
  await fs.writeFile(spec, JSON.stringify({ outdir, servers, cases: ['*'], 'exclude-cases': ['9.*'] }));
  const said = await output('wstest', ['-m', 'fuzzingclient', '-s', spec]);
  if (said === undefined) return undefined;
  const index = REPORT.parse(JSON.parse(await fs.readFile(path.join(outdir, 'index.json'), 'utf8')));
  await fs.rm(dir, { recursive: true });
  const cases = Object.entries(index.segue);
  const fine = new Set(['OK', 'INFORMATIONAL', 'NON-STRICT', 'UNIMPLEMENTED']);
  const failed = cases.filter(
    ([, { behavior, behaviorClose }]) => !fine.has(behavior) || !fine.has(behaviorClose),
  );
  return { all: cases.length, failed: new Set(failed.map(([id]) => id)) };
}

/** Differences that are meant. */
const MEANT: ReadonlyMap<string, string> = new Map([
  [
    'http2/3.5: Sends invalid connection preface',
    'one address speaks both protocols: what does not begin as HTTP/2 is HTTP/1.1, and refused as that',
  ],
]);

const list = (names: readonly string[]) => names.map((name) => `\n  ${name}`).join('') || ' nothing';

/** True: nothing fails through the gateway that does not fail without it. */
function told(name: string, without: string, alone: Trial | undefined, through: Trial | undefined): boolean {
  if (!alone || !through) {
    console.log(`${name}: not installed`);
    return true;
  }
  const failed = [...through.failed];
  const only = failed.filter((one) => !alone.failed.has(one));
  const ours = only.filter((one) => !MEANT.has(one));
  const meant = only.flatMap((one) => (MEANT.has(one) ? `${one}: ${MEANT.get(one)}` : []));
  console.log(
    `${name}: ${through.all - through.failed.size} of ${through.all} through the gateway, ` +
      `${alone.all - alone.failed.size} of ${alone.all} by ${without}\n` +
      `fails through the gateway only:${list(ours)}\nthe same, as it is meant:${list(meant)}\n` +
      `fails both ways:${list(failed.filter((one) => alone.failed.has(one)))}`,
  );
  return ours.length === 0;
}

const answer: http.RequestListener = (request, response) => {
  request.resume().once('end', () => response.end('hello'));
};
const plain = http.createServer(answer);
const sockets = new WebSocketServer({ server: plain, maxPayload: 0, perMessageDeflate: false });
sockets.on('connection', (socket) => {
  socket.on('error', () => undefined);
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});
const bare = http2.createServer((request, response) => {
  request.resume().once('end', () => response.end('hello'));
});
bare.on('sessionError', () => undefined);
const [plainPort, barePort] = [await portOf(plain), await portOf(bare)];
const gateway = await before(plainPort);
const http2Fine = told(
  ...(['h2spec', "Node's own server"] as const),
  await steadily(() => h2spec(barePort)),
  await steadily(() => h2spec(gateway.port)),
);
const socketsFine = told('Autobahn', 'its instance', await autobahn(plainPort), await autobahn(gateway.port));
await gateway.stop();
process.exit(http2Fine && socketsFine ? 0 : 1);
