/**
 * What every source of metrics keeps, whatever it asks: one number or a reason, always, within its time, however the
 * other side behaves. Each driver's test calls this with what it reads and what a good answer looks like.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { limits } from '../../src/core/limits.ts';
import type { MetricAnswer, MetricSource } from '../../src/ports/metrics.ts';
import { eventually } from './eventually.ts';
import { portOf, somePort } from './some-port.ts';

export interface MetricsHarness<Question extends { readonly url: string }> {
  readonly source: MetricSource<Question>;
  readonly question: (url: string, headers?: Readonly<Record<string, string>>) => Question;
  /** A body that means this number, as it would stand in JSON. */
  readonly body: (number: string) => string;
}

/** Long enough never to be the reason, on a machine however busy. */
const LONG_MS = 20_000;
const SHORT_MS = 200;

const whyOf = (answer: MetricAnswer) =>
  answer.type === 'nothing' ? answer.why : `the value ${answer.value}`;

export function metricsContract<Question extends { readonly url: string }>(
  name: string,
  { source, question, body }: MetricsHarness<Question>,
): void {
  describe(`the contract of metrics: ${name}`, () => {
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
      return `http://127.0.0.1:${portOf(server.address())}`;
    };
    const answering = (listener: RequestListener) => listen(createHttpServer(listener));
    const saying = (text: string, status = 200) =>
      answering((_, response) => response.writeHead(status).end(text));
    const sending = (bytes: string) =>
      listen(createServer((socket) => socket.once('data', () => socket.end(bytes))));
    const read = (url: string, timeoutMs = LONG_MS) => source.read(question(url), timeoutMs);

    afterEach(async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all(
        servers.splice(0).map(async (server) => {
          server.close();
          await once(server, 'close');
        }),
      );
    });

    it('reads a number', async () => {
      for (const number of ['0.25', '0', '-3', '1e6'])
        assert.deepEqual(await read(await saying(body(number))), { type: 'value', value: Number(number) });
    });

    it('sends the headers that it is given, and tells nobody', async () => {
      const seen: unknown[] = [];
      const url = await answering((request, response) => {
        seen.push(request.headers.authorization);
        response.writeHead(401).end('no');
      });
      const answer = await source.read(question(url, { authorization: 'Bearer s3cret' }), LONG_MS);
      assert.deepEqual(seen, ['Bearer s3cret']);
      assert.match(whyOf(answer), /answered 401/);
      assert.doesNotMatch(whyOf(answer), /s3cret/);
      const bad = await source.read(question(url, { authorization: 's3cret\n' }), LONG_MS);
      assert.equal(whyOf(bad), 'the request cannot be sent: a header is not valid');
    });

    it('takes an answer that is no good for none', async () => {
      const nothing = async (url: string, why: RegExp) => assert.match(whyOf(await read(url)), why);
      await nothing(await saying('<html>'), /answered 200 with what is not JSON/);
      await nothing(await saying(''), /not JSON/);
      await nothing(await saying(body('1'), 500), /answered 500/);
      for (const other of ['null', '[]', '{}', '"x"', 'true', '7']) {
        const answer = await read(await saying(other));
        assert.equal(answer.type, 'nothing', other);
      }
      await nothing(
        await sending('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"a":'),
        /closed the connection/,
      );
      await nothing(await sending('hello\r\n\r\n'), /not HTTP/);
      await nothing(`http://127.0.0.1:${await somePort()}`, /connection refused/);
      await nothing('ftp://127.0.0.1', /not one of http or https/);
    });

    it('does not follow redirects', async () => {
      const target = await saying(body('1'));
      const url = await answering((_, response) =>
        response.writeHead(302, { location: target }).end(body('1')),
      );
      assert.match(whyOf(await read(url)), /answered 302/);
    });

    it('reads no more than its limit', async () => {
      let wasCut = false;
      const url = await answering((_, response) => {
        response.on('close', () => (wasCut = !response.writableFinished));
        const fill = () => {
          while (!response.destroyed && response.write(' '.repeat(64 * 1024)));
        };
        response.on('drain', fill);
        fill();
      });
      assert.match(whyOf(await read(url)), /answered with more than 1.0 MB/);
      await eventually('the rest is not read', () => wasCut);
      const fits = body('1').padStart(limits.guards.answerBytesMax);
      assert.deepEqual(await read(await saying(fits)), { type: 'value', value: 1 });
    });

    it('waits no longer than its time, for a head or for the rest of a body', async () => {
      const silent = await answering(() => undefined);
      assert.match(whyOf(await read(silent, SHORT_MS)), /took longer than 200ms/);
      const dripping = await answering((_, response) => {
        const timer = setInterval(() => response.write(' '), 10);
        response.on('close', () => clearInterval(timer));
      });
      assert.match(whyOf(await read(dripping, SHORT_MS)), /took longer than 200ms/);
    });

    it('is called off', async () => {
      const silent = await answering(() => undefined);
      const calledOff = new AbortController();
      const answer = source.read(question(silent), LONG_MS, calledOff.signal);
      calledOff.abort();
      assert.equal((await answer).type, 'nothing');
      assert.equal((await source.read(question(silent), LONG_MS, calledOff.signal)).type, 'nothing');
    });

    it('says in one short printable line what the other side said', async () => {
      const answer = await read(
        await saying(
          JSON.stringify({ status: 'error', errorType: 'x', error: '\u001B[2J\n'.repeat(500) }),
          400,
        ),
      );
      assert.equal(answer.type, 'nothing');
      assert.match(whyOf(answer), /^[ -~…]{1,200}$/);
    });
  });
}
