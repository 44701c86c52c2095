/**
 * Bugs hunted: probes that hang on a server which never answers or never ends, that pass on the wrong answer,
 * that follow redirects or trust any certificate, that tell secrets in their detail, and commands that leave
 * processes behind.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { systemClock } from '../../src/drivers/clock/system.ts';
import { DirectProber } from '../../src/drivers/prober/direct/prober.ts';
import { isLive } from '../../src/drivers/runtime/process/proc-parse.ts';
import { readStat } from '../../src/drivers/runtime/process/process-table.ts';
import type { Probe } from '../../src/ports/prober.ts';
import { eventually } from './eventually.ts';
import { portOf, somePort } from './some-port.ts';

const hasEnded = (pid: number) => {
  const found = readStat(pid);
  return found === null || !isLive(found);
};

type HttpProbe = Extract<Probe, { type: 'http' }>;

/** Long enough never to be the reason, on a machine however busy. */
const LONG_MS = 20_000;
const SHORT_MS = 200;

describe('the direct prober', () => {
  const prober = new DirectProber({ clock: systemClock });
  const servers: Server[] = [];
  const sockets = new Set<Socket>();

  const listen = async (server: Server) => {
    servers.push(server);
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return portOf(server.address());
  };
  const answering = (listener: RequestListener) => listen(createHttpServer(listener));
  const sending = (bytes: string) =>
    listen(createServer((socket) => socket.once('data', () => socket.end(bytes))));
  const httpProbe = (url: string, changes: Partial<HttpProbe> = {}): HttpProbe => ({
    type: 'http',
    url,
    method: 'GET',
    headers: {},
    body: null,
    expect: { status: null, contains: null, headers: {} },
    ...changes,
  });
  const get = (port: number, path: string, expect: Partial<HttpProbe['expect']> = {}, timeoutMs = LONG_MS) =>
    prober.probe(
      httpProbe(`http://127.0.0.1:${port}${path}`, {
        expect: { status: null, contains: null, headers: {}, ...expect },
      }),
      timeoutMs,
    );

  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await Promise.all(
      servers.splice(0).map(async (server) => {
        server.close();
        await once(server, 'close');
      }),
    );
  });

  describe('over HTTP', () => {
    it('passes on 200 to 399 unless a status is named, and follows nowhere', async () => {
      const paths: string[] = [];
      const port = await answering((request, response) => {
        paths.push(request.url ?? '');
        response.writeHead(Number(request.url?.slice(1)), { location: '/500' }).end();
      });
      const results = [];
      for (const status of [200, 204, 302, 399, 400, 404, 503]) results.push(await get(port, `/${status}`));
      assert.deepEqual(
        results.map((result) => result.passed),
        [true, true, true, true, false, false, false],
      );
      assert.equal(results.at(-1)?.detail, 'GET /503 answered 503');
      assert.equal((await get(port, '/503', { status: 503 })).passed, true);
      assert.equal((await get(port, '/200', { status: 201 })).detail, 'GET /200 answered 200, not 201');
      assert.ok(!paths.includes('/500'));
    });

    it('holds the answer to the expected text and headers', async () => {
      const port = await answering((_, response) => response.setHeader('x-a', 's3cret').end('<h1>Shop</h1>'));
      assert.equal((await get(port, '/', { contains: 'Shop', headers: { 'X-A': 's3cret' } })).passed, true);
      assert.match((await get(port, '/', { contains: 'Cart' })).detail, /answered 200 without "Cart"/);
      assert.match((await get(port, '/', { headers: { 'x-b': '1' } })).detail, /without the header x-b/);
      const other = await get(port, '/', { headers: { 'x-a': 'other' } });
      assert.equal(other.passed, false);
      assert.match(other.detail, /x-a/);
      assert.doesNotMatch(other.detail, /s3cret/);
    });

    it('sends method, headers and body, one connection per question', async () => {
      const seen: unknown[] = [];
      const port = await answering((request, response) => {
        request.once('data', (body: Buffer) => {
          seen.push([request.method, request.headers['x-a'], request.headers.connection, body.toString()]);
          response.end();
        });
      });
      const probe = httpProbe(`http://127.0.0.1:${port}/`, {
        method: 'POST',
        headers: { 'x-a': '1' },
        body: 'hi',
      });
      assert.equal((await prober.probe(probe, LONG_MS)).passed, true);
      assert.deepEqual(seen, [['POST', '1', 'close', 'hi']]);
      await eventually('its connection is closed', () => sockets.size === 0);
    });

    it('gives up on what never answers, and on what never ends', async () => {
      const silent = await listen(createServer((socket) => socket.resume()));
      assert.equal((await get(silent, '/slow', {}, SHORT_MS)).detail, 'GET /slow took longer than 200ms');
      const trickling = await answering((_, response) => {
        const timer = setInterval(() => response.write('.'), 20);
        response.once('close', () => clearInterval(timer));
      });
      assert.equal((await get(trickling, '/', {}, SHORT_MS)).passed, false);
      await eventually('both connections are closed', () => sockets.size === 0);
    });

    it('reads only the start of a huge body', async () => {
      const port = await answering((_, response) => {
        response.write('begin');
        const more = () => {
          while (response.write('x'.repeat(65_536)));
        };
        response.on('drain', more);
        more();
      });
      assert.equal((await get(port, '/', { contains: 'begin' })).passed, true);
      assert.match((await get(port, '/', { contains: 'end' })).detail, /in the first 64 KB/);
    });

    it('says what is wrong with an answer that is none', async () => {
      assert.match((await get(await sending('hello\r\n\r\n'), '/')).detail, /bytes that are not HTTP/);
      assert.match((await get(await sending(''), '/')).detail, /closed the connection before/);
      const cut = await sending('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
      assert.match((await get(cut, '/')).detail, /closed the connection before/);
      const large = await sending(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(100_000)}\r\n\r\n`);
      assert.match((await get(large, '/')).detail, /head that is too large/);
      const port = await somePort();
      assert.equal((await get(port, '/')).detail, `connection refused on 127.0.0.1:${port}`);
    });

    it('takes only addresses and requests that can be sent', async () => {
      for (const url of ['nonsense', 'ftp://127.0.0.1/', 'http://']) {
        assert.match((await prober.probe(httpProbe(url), LONG_MS)).detail, /not one of http or https/);
      }
      const probe = httpProbe('http://127.0.0.1:1/', { headers: { 'x-a': 'line\nbreak' } });
      assert.match((await prober.probe(probe, LONG_MS)).detail, /cannot be sent/);
      assert.match(
        (await prober.probe(httpProbe('http://no.such.name.invalid/'), LONG_MS)).detail,
        /resolved/,
      );
    });

    it('tells no credentials, no query and little of the body', async () => {
      const port = await answering((_, response) => {
        response.writeHead(500, { 'x-key': 'h3ader' }).end(`no\u001B[31m database\n${'x'.repeat(1_000)}`);
      });
      const probe = httpProbe(`http://us3r:pa55@127.0.0.1:${port}/ready?token=t0ken`);
      const { detail } = await prober.probe(probe, LONG_MS);
      assert.match(detail, /^GET \/ready answered 500: no \[31m database x+…$/);
      assert.ok(detail.length < 120);
      const closed = httpProbe(`http://us3r:pa55@127.0.0.1:${await somePort()}/?token=t0ken`);
      assert.match((await prober.probe(closed, LONG_MS)).detail, /^connection refused on 127\.0\.0\.1:\d+$/);
    });

    it('stops at once when it is called off', async () => {
      const silent = await listen(createServer((socket) => socket.resume()));
      const off = new AbortController();
      const asked = prober.probe(httpProbe(`http://127.0.0.1:${silent}/`), 3_600_000, off.signal);
      await eventually('it is connected', () => sockets.size > 0);
      off.abort();
      assert.deepEqual(
        { ...(await asked), tookMs: 0 },
        { passed: false, detail: 'the probe was called off', tookMs: 0 },
      );
      await eventually('the connection is closed', () => sockets.size === 0);
      assert.equal((await prober.probe(httpProbe('http://127.0.0.1:1/'), LONG_MS, off.signal)).passed, false);
    });
  });

  describe('over TLS', () => {
    let dir: string;
    before(async () => {
      dir = await mkdtemp(join(tmpdir(), 'segue-prober-'));
      const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
      const files = ['-keyout', join(dir, 'key.pem'), '-out', join(dir, 'cert.pem')];
      const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
      execFileSync('openssl', ['req', '-x509', ...kind, ...files, ...names], { stdio: 'ignore' });
    });
    after(() => rm(dir, { recursive: true }));

    it('trusts no certificate of its own making', async () => {
      const [key, cert] = await Promise.all(['key.pem', 'cert.pem'].map((name) => readFile(join(dir, name))));
      const port = await listen(createTlsServer({ key, cert }, (_, response) => response.end('ok')));
      const result = await prober.probe(httpProbe(`https://127.0.0.1:${port}/`), LONG_MS);
      assert.equal(result.passed, false);
      assert.match(result.detail, /TLS certificate of 127\.0\.0\.1:\d+ is not accepted: self-signed/);
    });

    it('says when the other side speaks no TLS', async () => {
      const port = await answering((_, response) => response.end('ok'));
      const { detail } = await prober.probe(httpProbe(`https://127.0.0.1:${port}/`), LONG_MS);
      assert.match(detail, /TLS/);
    });
  });

  describe('over TCP', () => {
    it('passes on a connection, and only on one', async () => {
      const port = await listen(createServer());
      const probe = (to: number) => prober.probe({ type: 'tcp', host: '127.0.0.1', port: to }, LONG_MS);
      assert.deepEqual(
        { ...(await probe(port)), tookMs: 0 },
        {
          passed: true,
          detail: `connected to 127.0.0.1:${port}`,
          tookMs: 0,
        },
      );
      const closed = await somePort();
      assert.equal((await probe(closed)).detail, `connection refused on 127.0.0.1:${closed}`);
      assert.equal((await probe(70_000)).detail, '70000 is not a port');
    });
  });

  describe('by command', () => {
    const { PATH = '' } = process.env;
    const run = (command: string | readonly string[], timeoutMs = LONG_MS, signal?: AbortSignal) =>
      prober.probe({ type: 'command', command, dir: tmpdir(), env: { PATH, A: 'b' } }, timeoutMs, signal);

    it('passes on exit code 0 and quotes the last line', async () => {
      assert.equal((await run('true')).detail, 'exit code 0');
      const good = await run('echo one; echo "two $A" >&2; echo');
      assert.deepEqual([good.passed, good.detail], [true, 'exit code 0: two b']);
      const bad = await run(`echo ${'x'.repeat(1_000)}; exit 3`);
      assert.equal(bad.passed, false);
      assert.match(bad.detail, /^exit code 3: x{119}…$/);
      assert.equal((await run('kill -SEGV $$')).detail, 'ended by SIGSEGV');
      assert.match((await run('no-such-program')).detail, /"no-such-program" was looked for in/);
      assert.match((await run(`head -c 5000000 /dev/zero | tr '\\0' 'a'; echo; echo end`)).detail, /: end$/);
    });

    it('leaves nothing behind, whether it is late, called off or done', async () => {
      const forks = 'sleep 1000 & echo $!; ';
      const pidIn = (detail: string) => Number(/(\d+)$/.exec(detail)?.[1]);
      const done = await run(`${forks} exit 0`);
      await eventually('its child is gone', () => hasEnded(pidIn(done.detail)));

      const dir = await mkdtemp(join(tmpdir(), 'segue-prober-'));
      try {
        const file = join(dir, 'pid');
        const hangs = `sleep 1000 & echo $! > ${file}; wait`;
        const childOf = async () => Number(await readFile(file, 'utf8').catch(() => ''));
        assert.equal((await run(hangs, 1_000)).detail, 'the command took longer than 1s');
        const late = await eventually('it had a child', childOf);
        await eventually('that is gone', () => hasEnded(late));

        const off = new AbortController();
        const asked = run(hangs, 3_600_000, off.signal);
        const child = await eventually('it has another child', async () => {
          const pid = await childOf();
          return pid !== late && pid;
        });
        off.abort();
        assert.equal((await asked).detail, 'the probe was called off');
        await eventually('that is gone too', () => hasEnded(child));
      } finally {
        await rm(dir, { recursive: true });
      }
    });

    it('does not wait for what left its group with its output open', async () => {
      const dir = await mkdtemp(join(tmpdir(), 'segue-prober-'));
      const said = join(dir, 'said');
      const leaves = `setsid sh -c 'echo $$; : > ${said}; exec sleep 1000'`;
      const result = await run(`${leaves} & while [ ! -e ${said} ]; do sleep 0.05; done; exit 0`);
      await rm(dir, { recursive: true });
      process.kill(Number(/(\d+)$/.exec(result.detail)?.[1]), 'SIGKILL');
      assert.equal(result.passed, true);
    });
  });
});
