/**
 * Hunts event streams that begin for nobody or for the wrong one: connections that ask in the first bytes, in pieces,
 * after other requests, unclearly or without a key, and streams that are kept for clients that are gone.
 */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { FlagsResponse } from '../../src/wire/flag-api.ts';
import { somePort } from '../contract/some-port.ts';
import { TestProject } from '../support/test-project.ts';

const KEY = 'a-key-of-the-tests';
const BULK = '/ofrep/v1/evaluate/flags';

let project: TestProject;
let port: number;

before(async () => {
  port = await somePort();
  project = await TestProject.create({
    top: `flags: { ofrep: { listen: "127.0.0.1:${port}", keys: [${KEY}] } }`,
  });
  await project.up();
});
after(() => project.remove());

describe('a connection that asks for a stream', () => {
  const PATH = '/ofrep/v1/streams';
  const head = (lines: string, first = `GET ${PATH} HTTP/1.1`) => `${first}\r\nHost: x\r\n${lines}\r\n`;
  const begins = /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n[0-9a-f]+\r\nretry: \d+\n\nid: /i;

  it('gets it however it asks: at once or in pieces, with either header, after other requests', async () => {
    const bulk = `POST ${BULK} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${KEY}\r\nContent-Length: 14\r\n\r\n{"context":{}}`;
    const cases: Readonly<Record<string, readonly string[]>> = {
      plain: [head(`X-API-Key: ${KEY}\r\n`)],
      'another case': [head(`accept: */*\r\nx-aPI-kEY:   ${KEY}  \r\n`)],
      bearer: [head(`Authorization: Bearer ${KEY}\r\nAccept: text/event-stream\r\n`)],
      'in two pieces': [head(`X-API-Key: ${KEY}\r\n`).slice(0, 30), head(`X-API-Key: ${KEY}\r\n`).slice(30)],
      'with a body': [head(`X-API-Key: ${KEY}\r\nContent-Length: 2\r\n`), '{}'],
    };
    for (const [name, pieces] of Object.entries(cases)) {
      const raw = new RawStream(port);
      for (const piece of pieces) await raw.send(piece);
      assert.ok(await project.eventually(() => begins.test(raw.text)), `${name}: ${raw.text}`);
      assert.match(raw.text, /\r\ncontent-type: text\/event-stream\r\n/i, name);
      assert.match(raw.text, /\r\ntransfer-encoding: chunked\r\n/i, name);
      raw.close();
    }
    const second = new RawStream(port);
    await second.send(bulk);
    assert.ok(await project.eventually(() => second.text.includes('"flags"')));
    second.text = '';
    await second.send(head(`X-API-Key: ${KEY}\r\n`));
    assert.ok(await project.eventually(() => begins.test(second.text)), second.text);
    second.close();
  });

  it('is refused in words of HTTP where it may not, or is not clear', async () => {
    const good = `X-API-Key: ${KEY}\r\n`;
    const cases: readonly (readonly [string, string, number])[] = [
      ['no key', head(''), 401],
      ['a wrong key', head('X-API-Key: x\r\n'), 401],
      ['two keys', head(`X-API-Key: x\r\n${good}`), 401],
      ['another method', head(`${good}Content-Length: 0\r\n`, `POST ${PATH} HTTP/1.1`), 405],
      ['another path', head(good, `GET ${PATH}s HTTP/1.1`), 404],
      ['no host', `GET ${PATH} HTTP/1.1\r\n${good}\r\n`, 400],
      ['a line that goes on', head(`X-Other: y\r\n z: 1\r\n${good}X\r\n`), 400],
      ['a body of two lengths', head(`${good}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n`), 400],
    ];
    for (const [name, text, status] of cases) {
      const raw = new RawStream(port);
      await raw.send(text);
      assert.ok(await project.eventually(() => raw.text.includes('\r\n\r\n')), name);
      assert.ok(raw.text.startsWith(`HTTP/1.1 ${status} `), `${name}: ${raw.text}`);
      raw.close();
    }
  });

  it('is forgotten when its client is gone, and lets go of one that says goodbye', async () => {
    const streams = async () => (await project.api<FlagsResponse>('GET', '/v1/flags')).streams;
    const atFirst = await streams();
    const gone = new RawStream(port);
    const polite = new RawStream(port);
    for (const raw of [gone, polite]) await raw.send(head(`X-API-Key: ${KEY}\r\n`));
    assert.ok(await project.eventually(async () => (await streams()) === atFirst + 2));
    gone.close();
    polite.end();
    assert.ok(await project.eventually(async () => (await streams()) === atFirst));
    assert.ok(await project.eventually(() => polite.isClosed));
  });
});

/** A connection on the level of bytes. */
class RawStream {
  text = '';
  isClosed = false;
  readonly #socket: Socket;

  constructor(to: number) {
    this.#socket = connect({ port: to, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (part: Buffer) => (this.text += part.toString('latin1')));
    this.#socket.on('error', () => undefined).once('close', () => (this.isClosed = true));
  }

  send(text: string): Promise<void> {
    return new Promise((resolve, reject) =>
      this.#socket.write(text, 'latin1', (error) => (error ? reject(error) : resolve())),
    );
  }

  end(): void {
    this.#socket.end();
  }

  close(): void {
    this.#socket.destroy();
  }
}
