/** Flags served by a control of its own: all at once, and to many who hold a stream open. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import http from 'node:http';
import net, { type Socket } from 'node:net';
import path from 'node:path';
import { somePort } from '../../test/contract/some-port.ts';
import { TestProject } from '../../test/support/test-project.ts';

const KEY = 'a-key';
const FLAGS = 100;
const BULKS = 500;
const CONNECTS_AT_ONCE = 100;
const EVENT = Buffer.from('refetchEvaluation');
const READ_INTO = Buffer.alloc(64 * 1024);

export interface Served {
  readonly bulkMs: readonly number[];
  readonly streams: number;
  readonly bytesPerStream: number;
  /** From the word to the last stream that heard of it. */
  readonly switchMs: readonly number[];
  /** The same with the ten streams of a small service. */
  readonly fewSwitchMs: readonly number[];
}

export async function measureServed(streams: number): Promise<Served> {
  const port = await somePort();
  const top = `flags: { ofrep: { listen: "127.0.0.1:${port}", keys: [${KEY}], rate: 1000000 } }`;
  const project = await TestProject.create({ top });
  try {
    await mkdir(path.join(project.root, 'flags'));
    await writeFile(path.join(project.root, 'flags/bench.flagd.json'), JSON.stringify(definitions()));
    await project.up();
    const bulkMs = await bulks(port);
    const few = await Streams.open(port, 10);
    const fewSwitchMs = await switches(project, few);
    few.close();
    const before = await residentBytes(project);
    const many = await Streams.open(port, streams);
    const after = await residentBytes(project);
    const switchMs = await switches(project, many);
    many.close();
    return { bulkMs, streams, bytesPerStream: (after - before) / streams, switchMs, fewSwitchMs };
  } finally {
    await project.remove();
  }
}

function definitions() {
  const flag = (at: number) => ({
    ...{ state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'off' },
    targeting: {
      if: [
        { ends_with: [{ var: 'email' }, `@shop${at}.example`] },
        'on',
        {
          fractional: [
            ['on', at],
            ['off', 100 - at],
          ],
        },
      ],
    },
  });
  return { flags: Object.fromEntries(Array.from({ length: FLAGS }, (_, at) => [`flag-${at}`, flag(at)])) };
}

async function bulks(port: number): Promise<number[]> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const times: number[] = [];
  for (let at = 0; at < BULKS; at += 1) {
    const beganMs = performance.now();
    await bulk(
      port,
      agent,
      JSON.stringify({ context: { targetingKey: `user-${at}`, email: 'a@shop7.example' } }),
    );
    times.push(performance.now() - beganMs);
  }
  agent.destroy();
  return times;
}

function bulk(port: number, agent: http.Agent, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'x-api-key': KEY, 'content-type': 'application/json' };
    const request = http.request(
      { port, host: '127.0.0.1', method: 'POST', path: '/ofrep/v1/evaluate/flags', headers, agent },
      (response) => {
        if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
        response.resume().once('end', resolve);
      },
    );
    request.once('error', reject);
    request.end(body);
  });
}

/** The last of several changes of one flag, each heard by all before the next. */
async function switches(project: TestProject, streams: Streams): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const heard = streams.allHear();
    const beganMs = performance.now();
    const to = { type: round % 2 === 0 ? 'off' : 'on' };
    await project.api('POST', '/v1/flags/flag-1/change', { to, by: 'bench', reason: '' });
    await heard;
    times.push(performance.now() - beganMs);
  }
  return times;
}

async function residentBytes({ control }: TestProject): Promise<number> {
  const text = await readFile(`/proc/${control?.pid ?? 0}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
}

/** They read into one buffer: what those who listen do costs more than what control does, and is measured with it. */
class Streams {
  readonly #sockets: Socket[] = [];
  #left = 0;
  #done: () => void = () => undefined;
  #failed: (error: Error) => void = () => undefined;

  static async open(port: number, count: number): Promise<Streams> {
    const streams = new Streams();
    for (let open = 0; open < count; open += CONNECTS_AT_ONCE) {
      const some = Math.min(CONNECTS_AT_ONCE, count - open);
      const begun = streams.#hear(some);
      for (let i = 0; i < some; i += 1) streams.#open(port);
      await begun;
    }
    return streams;
  }

  allHear(): Promise<void> {
    return this.#hear(this.#sockets.length);
  }

  close(): void {
    this.#failed = () => undefined;
    for (const socket of this.#sockets) socket.destroy();
  }

  #hear(count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#left = count;
      this.#done = resolve;
      this.#failed = reject;
    });
  }

  #open(port: number): void {
    const callback = (bytes: number, read: Uint8Array) => {
      if (Buffer.from(read.buffer, read.byteOffset, bytes).includes(EVENT)) this.#left -= 1;
      if (this.#left === 0) this.#done();
      return true;
    };
    const socket = net.connect({ port, host: '127.0.0.1', onread: { buffer: READ_INTO, callback } });
    socket.on('error', () => undefined);
    socket.once('close', () => this.#failed(new Error('a stream ended')));
    socket.once('connect', () =>
      socket.write(`GET /ofrep/v1/streams HTTP/1.1\r\nHost: x\r\nX-API-Key: ${KEY}\r\n\r\n`),
    );
    this.#sockets.push(socket);
  }
}
