/**
 * Hunts flags at the edge that reach the wrong user or the wrong instance: a header that a client forged, a visitor
 * who gets another variant with the next request, counts that are not told by variant, and a gateway that forgets its
 * flags with control. The middleware that programs use reads what it says: Express, Fastify and plain Node.
 */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import http from 'node:http';
import { createRequire } from 'node:module';
import { test, type TestContext } from 'node:test';
import fastify from 'fastify';
import { type EdgeRouting, FLAGS_KEY_PURPOSE } from '../../src/core/flags/edge.ts';
import type { FlagDefinition } from '../../src/core/flags/definition.ts';
import { limits } from '../../src/core/limits.ts';
import { type Flags, readFlags, segueFlags } from '../../src/direct/flags.ts';
import { eventually } from '../contract/eventually.ts';
import { portOf } from '../contract/some-port.ts';
import { SPLIT_FLAG as split } from '../support/split-flag.ts';
import { ask, backendOf, type Harness, RawClient, startApp, startGateway } from './gateway-harness.ts';

const STICKY_KEY = 'a key of a test';
const SETTINGS = { stickyKey: STICKY_KEY, workers: 1 };
const KEY = createHmac('sha256', STICKY_KEY).update(FLAGS_KEY_PURPOSE).digest('base64url');

const byUser: FlagDefinition = {
  state: 'ENABLED',
  variants: { gold: { items: 20 }, plain: { items: 10 } },
  defaultVariant: 'plain',
  targeting: { if: [{ '==': [{ var: 'targetingKey' }, 'anna'] }, 'gold'] },
  metadata: { prerequisites: 'base=on' },
};
const base: FlagDefinition = {
  state: 'ENABLED',
  variants: { on: true },
  defaultVariant: 'on',
  targeting: null,
  metadata: {},
};
const broken: FlagDefinition = { ...split, targeting: { '+': ['x', { var: 'path' }] } };
const definitions = { split, limits: byUser, base, broken };

const edge = (key: EdgeRouting['key'] = null): EdgeRouting => ({
  key,
  flags: ['split', 'limits', 'broken'],
  definitions,
});

/** As much of Express as is used here; it has no types of its own. */
interface ExpressApp {
  use(middleware: ReturnType<typeof segueFlags>): void;
  get(
    path: string,
    handle: (
      request: http.IncomingMessage & { flags: Flags },
      response: { json: (value: unknown) => void },
    ) => void,
  ): void;
  listen(port: number, host: string): http.Server;
}
const express = createRequire(import.meta.url)('express') as () => ExpressApp;

const forgedTwice = 'e30.x';

interface Said {
  readonly key: string | null;
  readonly split: boolean;
  readonly items: number;
  readonly header: string | null;
}

function saidOf(flags: Flags, header: unknown): Said {
  const { items } = flags.value('limits', { items: 0 });
  return {
    key: flags.targetingKey,
    split: flags.isOn('split'),
    items,
    header: typeof header === 'string' ? header : null,
  };
}

/** Plain Node. */
function startNode(t: TestContext) {
  return startApp(t, 'a', (request, response) => {
    const flags = readFlags(request.headers, KEY);
    request.resume();
    response.end(JSON.stringify(saidOf(flags, request.headers['segue-flags'])));
  });
}

interface Answer {
  readonly said: Said;
  readonly cookie: string | undefined;
}

function visit({ port }: Harness, headers: http.OutgoingHttpHeaders = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.get({ port, host: '127.0.0.1', headers, agent: false }, (response) => {
      let text = '';
      response.on('data', (part: Buffer) => (text += part.toString()));
      response.on('error', reject);
      response.on('end', () => {
        const cookie = (response.headers['set-cookie'] ?? []).find((line) =>
          line.startsWith('segue_visitor='),
        );
        resolve({ said: JSON.parse(text) as Said, cookie: cookie?.split(';')[0] });
      });
    });
    request.on('error', reject);
  });
}

test('flags at the edge', async (t) => {
  const gateway = await startGateway(t, SETTINGS);
  for (const [name, work] of Object.entries(CASES)) await t.test(name, (own) => work(own, gateway));
});

const CASES: Readonly<Record<string, (t: TestContext, gateway: Harness) => Promise<void>>> = {
  async 'a visitor keeps the variant, and both are counted'(t, gateway) {
    const app = await startNode(t);
    await gateway.route({ backends: [backendOf(app)], flags: edge() });
    let on = 0;
    for (let i = 0; i < 40; i += 1) {
      const first = await visit(gateway);
      assert.ok(first.cookie, 'a new visitor gets a cookie');
      const second = await visit(gateway, { cookie: `a=b; ${first.cookie}` });
      assert.equal(second.cookie, undefined);
      assert.deepEqual([second.said.key, second.said.split], [first.said.key, first.said.split]);
      if (first.said.split) on += 1;
    }
    assert.ok(on > 5 && on < 35, `${on} of 40`);
    // The other flag asks for a user that nobody is, and the broken one leaves everything to the code.
    await eventually('all of them are counted', () => {
      const rows = gateway.plane.report()?.flags ?? [];
      const requests = (flag: string, variant: string) =>
        rows
          .find((row) => row.flag === flag && row.variant === variant)
          ?.answered.reduce((x, y) => x + y, 0) ?? 0;
      return (
        requests('split', 'on') === 2 * on &&
        requests('split', 'off') === 80 - 2 * on &&
        requests('limits', 'plain') === 80 &&
        requests('broken', '') === 80
      );
    });
  },

  async 'a version without the code gets the lowest variant, and the visitor stays who it is'(t, gateway) {
    const app = await startNode(t);
    const backend = backendOf(app);
    const always = { ...split, targeting: null, defaultVariant: 'on' };
    const whole = { key: null, flags: ['split'], definitions: { split: always } };
    const said = async (without: EdgeRouting['without']) => {
      await gateway.route({ backends: [backend], flags: { ...whole, without } });
      return (await visit(gateway)).said;
    };
    assert.equal((await said(undefined)).split, true);
    const lowest = await said({ [backend.version]: { split: 'off' } });
    assert.equal(lowest.split, false);
    assert.notEqual(lowest.key, null);
    assert.equal((await said({ another: { split: 'off' } })).split, true);
    // Null: as the code has it.
    const { header } = await said({ [backend.version]: { split: null } });
    const payload = Buffer.from(header?.split('.')[0] ?? '', 'base64url').toString();
    assert.deepEqual((JSON.parse(payload) as { flags: unknown }).flags, {});
  },

  async "what a client says in the gateway's name does not arrive"(t, gateway) {
    const app = await startNode(t);
    const payload = Buffer.from(
      JSON.stringify({ key: 'eve', flags: { split: { variant: 'on', value: true } } }),
    ).toString('base64url');
    const forged = `${payload}.${createHmac('sha256', KEY).update(payload).digest('base64url')}`;
    assert.equal(readFlags({ 'segue-flags': forged }, KEY).isOn('split'), true, 'it would be believed');
    for (const name of ['Segue-Flags', 'segue-flags', 'SEGUE-FLAGS']) {
      await gateway.route({ backends: [backendOf(app)], flags: null });
      assert.equal((await visit(gateway, { [name]: forged })).said.header, null, 'without flags of its own');
      await gateway.route({ backends: [backendOf(app)], flags: edge() });
      const { said } = await visit(gateway, { [name]: forged });
      assert.notEqual(said.header, forged);
      assert.notEqual(said.key, 'eve');
    }
    const client = new RawClient(t, gateway.port);
    client.send(`GET / HTTP/1.1\r\nHost: x\r\nSegue_Flags: ${forged}\r\nConnection: close\r\n\r\n`);
    const disguised = await client.untilEnd();
    assert.ok(
      disguised.startsWith('HTTP/1.1 400') || !disguised.includes('"key":"eve"'),
      disguised.slice(0, 200),
    );
  },

  async 'users are who their cookie or header says, and a forged visitor is a new one'(t, gateway) {
    const app = await startNode(t);
    await gateway.route({ backends: [backendOf(app)], flags: edge({ type: 'header', name: 'x-user' }) });
    assert.deepEqual((await visit(gateway, { 'X-User': 'anna' })).said.items, 20);
    assert.deepEqual((await visit(gateway, { 'X-User': 'bert' })).said.items, 10);
    assert.equal((await visit(gateway)).said.key, null);
    assert.equal((await visit(gateway, { 'X-User': 'x'.repeat(300) })).said.key, null);
    await gateway.route({ backends: [backendOf(app)], flags: edge({ type: 'cookie', name: 'uid' }) });
    assert.deepEqual((await visit(gateway, { cookie: 'uid=anna' })).said.items, 20);
    await gateway.route({ backends: [backendOf(app)], flags: edge() });
    const { cookie = '' } = await visit(gateway);
    const forged = cookie.replace(/=.{4}/, '=AAAA');
    const answer = await visit(gateway, { cookie: forged });
    assert.ok(answer.cookie !== undefined && answer.cookie !== forged);
  },

  async 'more than fits into the header is left out, in whatever script it is written'(t, gateway) {
    const app = await startNode(t);
    const flags = Array.from({ length: 60 }, (_, at) => `text-${at}`);
    for (const letter of ['x', 'ж', '字', '😀', '"', '\u0001']) {
      const long: FlagDefinition = { ...base, variants: { on: letter.repeat(100) } };
      const all = Object.fromEntries(flags.map((flag) => [flag, long]));
      await gateway.route({ backends: [backendOf(app)], flags: { key: null, flags, definitions: all } });
      const { header, key } = (await visit(gateway)).said;
      const bytes = `Segue-Flags: ${header}\r\n`.length;
      assert.ok(bytes <= limits.gateway.flagsLineBytesMax, `${bytes} bytes of ${letter}`);
      assert.ok(key !== null && bytes > limits.gateway.flagsLineBytesMax / 2, `${bytes} bytes of ${letter}`);
    }
  },

  async 'a change is in force with the routing that brings it'(t, gateway) {
    const app = await startNode(t);
    const backends = [backendOf(app)];
    await gateway.route({ backends, flags: edge() });
    const off: FlagDefinition = { ...split, targeting: null, defaultVariant: 'off' };
    await gateway.route({ backends, flags: { ...edge(), definitions: { ...definitions, split: off } } });
    const answers = await Promise.all(Array.from({ length: 20 }, () => visit(gateway)));
    assert.deepEqual(new Set(answers.map(({ said }) => said.split)), new Set([false]));
    // Without what it needs, a flag is the code's.
    await gateway.route({
      backends,
      flags: { ...edge(), definitions: { ...definitions, base: { ...base, state: 'DISABLED' } } },
    });
    assert.equal((await visit(gateway)).said.items, 0);
  },

  async 'an instance that nobody told anything has the defaults of its code'(t, gateway) {
    const app = await startNode(t);
    await gateway.route({ backends: [backendOf(app)] });
    assert.deepEqual((await visit(gateway)).said, { key: null, split: false, items: 0, header: null });
    assert.equal((await ask(gateway.port)).status, 200);
    for (const header of ['', 'x', 'a.b', `${'x'.repeat(10)}.${'y'.repeat(43)}`, [forgedTwice]])
      assert.equal(readFlags({ 'segue-flags': header }, KEY).targetingKey, null);
    assert.equal(readFlags({ 'segue-flags': forgedTwice }, '').targetingKey, null);
  },

  async 'Express and Fastify read it with a line'(t, gateway) {
    const shop = express();
    shop.use(segueFlags(KEY));
    shop.get('/', ({ flags, headers }, response) => response.json(saidOf(flags, headers['segue-flags'])));
    const server = shop.listen(0, '127.0.0.1');
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    const other = fastify();
    other.decorateRequest('flags', null as unknown as Flags);
    other.addHook('onRequest', async (request) => {
      Object.assign(request, { flags: readFlags(request.headers, KEY) });
    });
    other.get('/', (request) =>
      saidOf((request as unknown as { flags: Flags }).flags, request.headers['segue-flags']),
    );
    await other.listen({ port: 0, host: '127.0.0.1' });
    t.after(() => other.close());
    for (const port of [portOf(server.address()), portOf(other.server.address())]) {
      const backend = { id: `app-${port}`, version: 'v1', host: '127.0.0.1', port };
      await gateway.route({ backends: [backend], flags: edge({ type: 'header', name: 'x-user' }) });
      const { said } = await visit(gateway, { 'x-user': 'anna' });
      assert.deepEqual([said.key, said.items], ['anna', 20]);
    }
  },
};
