/**
 * Hunts answers that OpenFeature's own providers do not understand: official ones, for servers and for web pages, run
 * against control; and whoever may not ask, asks too much, asks wrongly or is not told of a change.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { mkdir, writeFile } from 'node:fs/promises';
import { OFREPProvider } from '@openfeature/ofrep-provider';
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';
import { OpenFeature } from '@openfeature/server-sdk';
import { OpenFeature as WebOpenFeature, type Provider } from '@openfeature/web-sdk';
import type { Json } from '../../src/core/flags/json.ts';
import type { FlagChangeResponse } from '../../src/wire/flag-api.ts';
import { somePort } from '../contract/some-port.ts';
import { EventSourceText } from '../support/event-source.ts';
import { TestProject } from '../support/test-project.ts';

const KEY = 'a-key-of-the-tests';
const FLAGS = {
  flags: {
    'checkout-v2': {
      state: 'ENABLED',
      variants: { on: true, off: false },
      defaultVariant: 'off',
      metadata: { owner: 'shop' },
    },
    theme: {
      state: 'ENABLED',
      variants: { light: 'light', dark: 'dark' },
      defaultVariant: 'light',
      targeting: { if: [{ ends_with: [{ var: 'email' }, '@shop.example'] }, 'dark'] },
    },
    limits: { state: 'ENABLED', variants: { small: { items: 10 } }, defaultVariant: 'small' },
    gone: { state: 'DISABLED', variants: { on: true, off: false }, defaultVariant: 'on' },
    broken: {
      state: 'ENABLED',
      variants: { on: true, off: false },
      defaultVariant: 'on',
      targeting: { '+': [{ var: 'x' }, 1] },
    },
    split: {
      state: 'ENABLED',
      variants: { a: 1, b: 2 },
      defaultVariant: 'a',
      targeting: {
        fractional: [
          ['a', 50],
          ['b', 50],
        ],
      },
    },
  },
};

let project: TestProject;
let base: string;

before(async () => {
  const port = await somePort();
  base = `http://127.0.0.1:${port}`;
  project = await TestProject.create({
    top: `flags:
  ofrep:
    listen: "127.0.0.1:${port}"
    keys: [env:FLAGS_KEY, { key: key-for-one, flags: [checkout-*] }]
    rate: 100
    origins: [https://shop.example]`,
  });
  await mkdir(path.join(project.root, 'flags'));
  await writeFile(path.join(project.root, 'flags/shop.flagd.json'), JSON.stringify(FLAGS));
  await project.up({ env: { FLAGS_KEY: KEY } });
});
after(async () => {
  await OpenFeature.close();
  await WebOpenFeature.close();
  await project.remove();
});

interface Asked {
  readonly body?: unknown;
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
}

async function ask(url: string, { body, key = KEY, headers = {}, method = 'POST' }: Asked = {}) {
  const answer = await fetch(base + url, {
    method,
    headers: {
      ...(key === null ? {} : { 'x-api-key': key }),
      'content-type': 'application/json',
      ...headers,
    },
    ...(method === 'POST'
      ? { body: typeof body === 'string' ? body : JSON.stringify(body ?? { context: {} }) }
      : {}),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    headers: answer.headers,
    body: text === '' ? null : (JSON.parse(text) as Record<string, Json>),
  };
}

const one = (flag: string) => `/ofrep/v1/evaluate/flags/${flag}`;
const BULK = '/ofrep/v1/evaluate/flags';

function change(flag: string, to: Json): Promise<FlagChangeResponse> {
  return project.api('POST', `/v1/flags/${flag}/change`, { to, by: 'test', reason: 'a test' });
}

describe('single evaluation', () => {
  it('gives value, variant, reason and metadata', async () => {
    const { status, body } = await ask(one('checkout-v2'));
    assert.equal(status, 200);
    assert.deepEqual(body, {
      key: 'checkout-v2',
      value: false,
      reason: 'STATIC',
      variant: 'off',
      metadata: { owner: 'shop' },
    });
    const matched = await ask(one('theme'), { body: { context: { email: 'a@shop.example' } } });
    assert.deepEqual(matched.body, {
      key: 'theme',
      value: 'dark',
      reason: 'TARGETING_MATCH',
      variant: 'dark',
    });
    const split = await ask(one('split'), { body: { context: { targetingKey: 'user-1' } } });
    assert.equal(split.body?.['reason'], 'SPLIT');
  });

  it('of one that is disabled has no value: the default in the code', async () => {
    assert.deepEqual((await ask(one('gone'))).body, { key: 'gone', reason: 'DISABLED' });
  });

  it('that cannot be done says why, in the shapes of the protocol', async () => {
    const cases: readonly (readonly [string, unknown, number, string])[] = [
      [one('nothing'), { context: {} }, 404, 'FLAG_NOT_FOUND'],
      [one('broken'), { context: { x: 'y' } }, 400, 'GENERAL'],
      [one('theme'), '{', 400, 'PARSE_ERROR'],
      [one('theme'), {}, 400, 'INVALID_CONTEXT'],
      [one('theme'), { context: 7 }, 400, 'INVALID_CONTEXT'],
      [one('theme'), { context: { targetingKey: 7 } }, 400, 'INVALID_CONTEXT'],
      [one('theme'), { context: { x: 'y'.repeat(300_000) } }, 400, 'INVALID_CONTEXT'],
    ];
    for (const [url, body, status, errorCode] of cases) {
      const answer = await ask(url, { body });
      assert.equal(answer.status, status, url);
      assert.equal(answer.body?.['errorCode'], errorCode);
      assert.equal(answer.body?.['key'], url.split('/').at(-1));
    }
    assert.equal((await ask(one('%E0%A4%A'))).status, 404);
    assert.equal((await ask('/v1/status', { method: 'GET' })).status, 404);
    assert.equal((await ask(one('theme'), { method: 'GET' })).status, 405);
  });
});

describe('who asks', () => {
  it('needs a key on the port, by either header, and gets no further than it may', async () => {
    const nobody = await ask(BULK, { key: null });
    assert.deepEqual([nobody.status, nobody.headers.get('www-authenticate')], [401, 'Bearer']);
    assert.equal((await ask(BULK, { key: 'another' })).status, 401);
    assert.equal((await ask(BULK, { key: null, headers: { authorization: `Bearer ${KEY}` } })).status, 200);
    assert.equal((await ask(one('theme'), { key: 'key-for-one' })).status, 403);
    assert.equal((await ask(one('checkout-v2'), { key: 'key-for-one' })).status, 200);
    const { body } = await ask(BULK, { key: 'key-for-one' });
    assert.deepEqual(
      ((body?.['flags'] ?? []) as { key: string }[]).map(({ key }) => key),
      ['checkout-v2'],
    );
  });

  it('from a web page is let in from those that are named', async () => {
    const asked = await ask(BULK, {
      method: 'OPTIONS',
      key: null,
      headers: { origin: 'https://shop.example' },
    });
    assert.deepEqual([asked.status, asked.headers.get('content-length')], [204, null]);
    assert.equal(asked.headers.get('access-control-allow-origin'), 'https://shop.example');
    const other = await ask(BULK, { headers: { origin: 'https://other.example' } });
    assert.equal(other.headers.get('access-control-allow-origin'), null);
  });
});

describe('bulk evaluation', () => {
  it('gives all flags with an ETag, and nothing again while it holds', async () => {
    const { status, body, headers } = await ask(BULK);
    assert.equal(status, 200);
    const flags = (body?.['flags'] ?? []) as { key: string; errorCode?: string }[];
    assert.deepEqual(flags.map(({ key }) => key).toSorted(), Object.keys(FLAGS.flags).toSorted());
    assert.equal(flags.find(({ key }) => key === 'broken')?.errorCode, 'GENERAL');
    const etag = headers.get('etag') ?? '';
    const again = await ask(BULK, { headers: { 'if-none-match': etag } });
    assert.deepEqual([again.status, again.body, again.headers.get('content-length')], [304, null, null]);
    const other = await ask(BULK, {
      headers: { 'if-none-match': etag },
      body: { context: { email: 'a@shop.example' } },
    });
    assert.equal(other.status, 200);
    assert.equal((await ask(`${BULK}?flagConfigEtag=newer&flagConfigLastModified=1771622898`)).status, 200);
  });

  it('that goes wrong as a whole says why', async () => {
    // So large that it does not fit between the two: who breaks off in the middle is not heard.
    for (const context of ['x', { x: 'y'.repeat(8_000_000) }]) {
      const { status, body } = await ask(BULK, { body: { context } });
      assert.deepEqual([status, body?.['errorCode']], [400, 'INVALID_CONTEXT']);
    }
  });

  it('looks at the files again for whoever was told of something newer', async () => {
    const coming = (await ask(BULK)).body?.['metadata'];
    const later = Math.floor(Date.now() / 1000) + 3600;
    for (const query of [
      `flagConfigLastModified=${later}`,
      'flagConfigLastModified=2999-01-01T00:00:00Z',
      'flagConfigLastModified=soon',
    ])
      assert.deepEqual((await ask(`${BULK}?${query}`)).body?.['metadata'], coming, query);
  });
});

describe('event streams', () => {
  it('are told of a change, and let nobody in without a key', async () => {
    const { body } = await ask(BULK);
    const [stream] = (body?.['eventStreams'] ?? []) as { type: string; endpoint: { requestUri: string } }[];
    assert.equal(stream?.type, 'sse');
    assert.equal((await fetch(`${base}/ofrep/v1/streams`)).status, 401);
    assert.equal((await fetch(`${base}/ofrep/v1/streams?token=x`)).status, 401);
    const events = new EventSourceText(base + (stream?.endpoint.requestUri ?? ''));
    try {
      assert.ok(await project.eventually(() => events.data.length === 1), 'the state at the beginning');
      await change('checkout-v2', { type: 'on' });
      assert.ok(await project.eventually(() => events.data.length === 2));
      const [first, second] = events.data;
      assert.equal(second?.type, 'refetchEvaluation');
      assert.notEqual(second?.etag, first?.etag);
      const { body: now } = await ask(one('checkout-v2'));
      assert.equal(now?.['value'], true);
    } finally {
      events.close();
      await change('checkout-v2', { type: 'file' });
    }
  });
});

describe('the kill switch', () => {
  it('reaches every stream, and whoever asks then has it', async () => {
    await change('checkout-v2', { type: 'on' });
    const { body } = await ask(BULK);
    const [stream] = (body?.['eventStreams'] ?? []) as { endpoint: { requestUri: string } }[];
    const all = Array.from(
      { length: 50 },
      () => new EventSourceText(base + (stream?.endpoint.requestUri ?? '')),
    );
    try {
      assert.ok(await project.eventually(() => all.every(({ data }) => data.length === 1)));
      const first = all[0]?.data[0]?.etag;
      await change('checkout-v2', { type: 'off' });
      assert.ok(await project.eventually(() => all.every(({ data }) => data.length === 2)));
      assert.ok(all.every(({ data }) => data[1]?.etag !== first));
      assert.equal((await ask(one('checkout-v2'))).body?.['value'], false);
    } finally {
      for (const each of all) each.close();
      await change('checkout-v2', { type: 'file' });
    }
  });
});

describe('the official provider for servers', () => {
  it('gets what the flags give', async () => {
    await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: base, headers: [['X-API-Key', KEY]] }));
    const client = OpenFeature.getClient();
    assert.equal(await client.getBooleanValue('checkout-v2', true), false);
    assert.equal(await client.getStringValue('theme', 'none', { email: 'a@shop.example' }), 'dark');
    assert.deepEqual(await client.getObjectValue('limits', {}), { items: 10 });
    const split = await client.getNumberDetails('split', 0, { targetingKey: 'user-1' });
    assert.equal(split.reason, 'SPLIT');
    const none = await client.getBooleanDetails('nothing', true);
    assert.deepEqual([none.value, none.errorCode], [true, 'FLAG_NOT_FOUND']);
    const wrong = await client.getBooleanDetails('theme', true);
    assert.deepEqual([wrong.value, wrong.errorCode], [true, 'TYPE_MISMATCH']);
  });
});

describe('the official provider for web pages', () => {
  it('gets all flags at once, and again when they change', async () => {
    Object.assign(globalThis, { EventSource: EventSourceText });
    // Without polling: it hears of a change by its event stream, or not at all.
    const options = {
      baseUrl: base,
      headers: [['Authorization', `Bearer ${KEY}`]],
      pollInterval: 0,
      cacheMode: 'disabled',
    };
    const provider = new OFREPWebProvider(options as ConstructorParameters<typeof OFREPWebProvider>[0]);
    const context = { targetingKey: 'user-1', email: 'a@shop.example' };
    await WebOpenFeature.setProviderAndWait(provider as unknown as Provider, context);
    const client = WebOpenFeature.getClient();
    assert.equal(client.getStringValue('theme', 'none'), 'dark');
    assert.equal(client.getBooleanValue('checkout-v2', true), false);
    // The default in the code, whichever it is.
    assert.equal(client.getBooleanValue('gone', true), true);
    assert.equal(client.getBooleanValue('gone', false), false);
    await change('checkout-v2', { type: 'on' });
    assert.ok(await project.eventually(() => client.getBooleanValue('checkout-v2', false)));
    await change('checkout-v2', { type: 'file' });
  });
});
