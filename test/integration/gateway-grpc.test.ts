/**
 * Hunts a gateway that a gRPC client can tell from none: trailers that get lost, streams that wait for each other,
 * cancellations and deadlines that do not arrive, answers of the gateway's own that a client cannot read, calls
 * that are lost when an instance goes away.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2, { constants } from 'node:http2';
import { test, type TestContext } from 'node:test';
import * as grpc from '@grpc/grpc-js';
import type { Backend } from '../../src/core/traffic/routing.ts';
import { eventually } from '../contract/eventually.ts';
import { portOf } from '../contract/some-port.ts';
import { ask, backendOf, type Harness, startGateway } from './gateway-harness.ts';

const plain = { serialize: (text: string) => Buffer.from(text), deserialize: String } as const;

function method(name: string, requestStream: boolean, responseStream: boolean) {
  return {
    path: `/test.Echo/${name}`,
    requestStream,
    responseStream,
    requestSerialize: plain.serialize,
    requestDeserialize: plain.deserialize,
    responseSerialize: plain.serialize,
    responseDeserialize: plain.deserialize,
  };
}

const ECHO = {
  Unary: method('Unary', false, false),
  Chat: method('Chat', true, true),
  Count: method('Count', false, true),
};

interface GrpcApp extends Backend {
  readonly server: grpc.Server;
  readonly cancelled: () => number;
}

async function startGrpc(t: TestContext, id: string): Promise<GrpcApp> {
  const server = new grpc.Server();
  let cancelled = 0;
  server.addService(ECHO, {
    Unary: (call: grpc.ServerUnaryCall<string, string>, done: grpc.sendUnaryData<string>) => {
      call.on('cancelled', () => (cancelled += 1));
      if (call.request === 'never') return;
      const trailer = new grpc.Metadata();
      trailer.set('x-by', id);
      if (call.request === 'fail')
        done({ code: grpc.status.FAILED_PRECONDITION, details: 'no', metadata: trailer });
      else done(null, `${id}:${call.request}`, trailer);
    },
    Chat: (call: grpc.ServerDuplexStream<string, string>) => {
      call.on('cancelled', () => (cancelled += 1));
      call.on('data', (text: string) => call.write(`${id}:${text}`));
      call.on('end', () => call.end());
    },
    Count: (call: grpc.ServerWritableStream<string, string>) => {
      for (let n = 0; n < Number(call.request); n += 1) call.write(`${n} ${'x'.repeat(1000)}`);
      call.end();
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  t.after(() => server.forceShutdown());
  return { id, version: 'v1', host: '127.0.0.1', port, server, cancelled: () => cancelled };
}

function clientOf(t: TestContext, gateway: Harness): grpc.Client {
  const address = `127.0.0.1:${gateway.port}`;
  const client = new grpc.Client(address, grpc.credentials.createInsecure(), { 'grpc.enable_retries': 0 });
  t.after(() => client.close());
  return client;
}

interface Outcome {
  readonly value: string | undefined;
  readonly code: grpc.status;
  readonly trailer: grpc.Metadata;
}

function unary(client: grpc.Client, text: string, options: grpc.CallOptions = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    let value: string | undefined;
    const call = client.makeUnaryRequest(
      ...[ECHO.Unary.path, plain.serialize, plain.deserialize, text, new grpc.Metadata()],
      options,
      (_error, got) => (value = got),
    );
    call.on('status', (status) =>
      setImmediate(() => resolve({ value, code: status.code, trailer: status.metadata })),
    );
  });
}

const H2C = { protocol: 'h2c' } as const;

test('a call, its status and its trailers; many at once', async (t) => {
  const gateway = await startGateway(t);
  const app = await startGrpc(t, 'a');
  await gateway.route({ backends: [backendOf(app)], ...H2C });
  const client = clientOf(t, gateway);
  const outcome = await unary(client, 'hello');
  assert.deepEqual([outcome.value, outcome.code, outcome.trailer.get('x-by')], ['a:hello', 0, ['a']]);
  const failed = await unary(client, 'fail');
  assert.deepEqual([failed.code, failed.trailer.get('x-by')], [grpc.status.FAILED_PRECONDITION, ['a']]);
  const many = await Promise.all(Array.from({ length: 300 }, (_, n) => unary(client, `n${n}`)));
  assert.deepEqual(
    many.map(({ value }) => value),
    Array.from({ length: 300 }, (_, n) => `a:n${n}`),
  );
  await eventually('each is counted', () => gateway.counts('a')?.answered[0] === 302);
});

test('streams both ways, each message as soon as it is there', async (t) => {
  const gateway = await startGateway(t);
  const app = await startGrpc(t, 'a');
  await gateway.route({ backends: [backendOf(app)], ...H2C });
  const client = clientOf(t, gateway);
  const chat = client.makeBidiStreamRequest(ECHO.Chat.path, plain.serialize, plain.deserialize);
  for (const word of ['one', 'two', 'three']) {
    chat.write(word);
    assert.equal((await once(chat, 'data'))[0], `a:${word}`);
  }
  chat.end();
  const [status] = await once(chat.resume(), 'status');
  assert.equal(status.code, grpc.status.OK);
  const count = client.makeServerStreamRequest(ECHO.Count.path, plain.serialize, plain.deserialize, '5000');
  const got: string[] = [];
  for await (const text of count) got.push(String(text).split(' ')[0] ?? '');
  assert.deepEqual(
    got,
    Array.from({ length: 5000 }, (_, n) => String(n)),
  );
});

test('a deadline and a client that gives up reach the instance', async (t) => {
  const gateway = await startGateway(t);
  const app = await startGrpc(t, 'a');
  await gateway.route({ backends: [backendOf(app)], ...H2C });
  const client = clientOf(t, gateway);
  const late = await unary(client, 'never', { deadline: Date.now() + 300 });
  assert.equal(late.code, grpc.status.DEADLINE_EXCEEDED);
  await eventually('the instance hears of it', () => app.cancelled() === 1);
  const chat = client.makeBidiStreamRequest(ECHO.Chat.path, plain.serialize, plain.deserialize);
  chat.on('error', () => undefined);
  chat.write('x');
  await once(chat, 'data');
  chat.cancel();
  await eventually('the instance hears of that, too', () => app.cancelled() === 2);
  assert.equal((await unary(client, 'on')).value, 'a:on');
});

test('what the gateway answers by itself is a status that clients know', async (t) => {
  const gateway = await startGateway(t);
  await gateway.route({
    backends: [],
    hold: { forMs: 50, requestsMax: 10 },
    routes: [{ host: null, path: '/test.Echo' }],
  });
  const client = clientOf(t, gateway);
  assert.equal((await unary(client, 'x')).code, grpc.status.UNAVAILABLE);
  await gateway.route({ backends: [], routes: [{ host: null, path: '/elsewhere' }] });
  assert.equal((await unary(client, 'x')).code, grpc.status.UNIMPLEMENTED);
});

test('an instance that breaks off in the middle: the client gets a status, not half a stream', async (t) => {
  const gateway = await startGateway(t);
  const app = await startGrpc(t, 'a');
  await gateway.route({ backends: [backendOf(app)], ...H2C });
  const client = clientOf(t, gateway);
  const chat = client.makeBidiStreamRequest(ECHO.Chat.path, plain.serialize, plain.deserialize);
  chat.on('error', () => undefined);
  chat.write('x');
  await once(chat, 'data');
  const status = new Promise<grpc.StatusObject>((resolve) => chat.once('status', resolve));
  app.server.forceShutdown();
  assert.equal((await status).code, grpc.status.UNAVAILABLE);
});

test('calls go on while instances are exchanged under them (T2, T3)', async (t) => {
  const gateway = await startGateway(t);
  const apps = [await startGrpc(t, 'i0'), await startGrpc(t, 'i1')];
  await gateway.route({ backends: apps.map(backendOf), ...H2C });
  const client = clientOf(t, gateway);
  let going = true;
  const codes: grpc.status[] = [];
  const lane = async () => {
    while (going) codes.push((await unary(client, 'x'.repeat(2_000))).code);
  };
  const lanes = Array.from({ length: 8 }, lane);
  for (let n = 2; n < 6; n += 1) {
    const enough = codes.length + 20;
    await eventually('calls were answered', () => codes.length >= enough);
    const [old] = apps.splice(0, 1);
    assert.ok(old);
    apps.push(await startGrpc(t, `i${n}`));
    const draining = [{ id: old.id, requestsMs: 10_000, streamsMs: 10_000 }];
    await gateway.route({ backends: apps.map(backendOf), draining, ...H2C });
    await eventually('it is drained', () => (gateway.counts(old.id)?.inFlight ?? 0) === 0);
    await new Promise<void>((resolve) => old.server.tryShutdown(() => resolve()));
  }
  going = false;
  await Promise.all(lanes);
  assert.ok(codes.length > 50);
  assert.deepEqual([...new Set(codes)], [grpc.status.OK]);
});

test('a long call is a stream: counted apart, let alone for as long as streams may take, then told to call again (T3)', async (t) => {
  const gateway = await startGateway(t);
  const app = await startGrpc(t, 'a');
  await gateway.route({ backends: [backendOf(app)], ...H2C });
  const client = clientOf(t, gateway);
  const begin = () => {
    const chat = client.makeBidiStreamRequest(ECHO.Chat.path, plain.serialize, plain.deserialize);
    chat.on('error', () => undefined);
    const status = new Promise<grpc.StatusObject>((resolve) => chat.once('status', resolve));
    const say = async (word: string) => {
      chat.write(word);
      return (await once(chat, 'data'))[0];
    };
    return { chat, status, say };
  };
  const [long, other] = [begin(), begin()];
  assert.equal(await long.say('one'), 'a:one');
  assert.equal(await other.say('one'), 'a:one');
  assert.equal((await unary(client, 'short')).value, 'a:short');
  await eventually('they are streams', () => gateway.counts('a')?.streams === 2);
  assert.equal(gateway.counts('a')?.inFlight, 0);
  const drain = (streamsMs: number) =>
    gateway.route({ backends: [], draining: [{ id: 'a', requestsMs: 0, streamsMs }], ...H2C });
  await drain(60_000);
  assert.equal(await long.say('two'), 'a:two', 'it goes on');
  other.chat.end();
  assert.equal((await other.status).code, grpc.status.OK, 'one that ends by itself may');
  await gateway.route({ backends: [backendOf(app)], ...H2C });
  assert.equal(await long.say('three'), 'a:three');
  const endedBefore = app.cancelled();
  await drain(300);
  assert.deepEqual(
    [(await long.status).code, (await long.status).details],
    [grpc.status.UNAVAILABLE, 'the instance is being replaced'],
  );
  await eventually('the instance hears of it', () => app.cancelled() > endedBefore);
  await eventually('nothing is left', () => gateway.counts('a')?.streams === 0);
  assert.equal(gateway.counts('a')?.failed, 0);
});

test('a stream that an instance refused is sent again, body and all (RFC 9113 s. 8.7)', async (t) => {
  const gateway = await startGateway(t);
  let refused = 0;
  const server = http2.createServer();
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    if (refused < 1) {
      refused += 1;
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
      return;
    }
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.once('end', () => {
      stream.respond({ ':status': 200 });
      stream.end(`got ${Buffer.concat(parts).toString()}`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  const backend = { id: 'a', version: 'v1', host: '127.0.0.1', port: portOf(server.address()) };
  await gateway.route({ backends: [backend], ...H2C });
  // HTTP/1.1 in, HTTP/2 out: the one is as good as the other.
  const answer = await ask(gateway.port, { method: 'POST', body: 'the body' });
  assert.deepEqual([answer.status, answer.body.toString(), refused], [200, 'got the body', 1]);
  assert.equal(gateway.counts('a')?.failed ?? 0, 0);
  const head = await ask(gateway.port, { method: 'HEAD' });
  assert.equal(head.status, 200);
});
