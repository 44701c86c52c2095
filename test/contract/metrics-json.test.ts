/** Bugs hunted: numbers found in the wrong place, or where there is none; and all that the contract hunts. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { systemClock } from '../../src/drivers/clock/system.ts';
import { JsonMetrics } from '../../src/drivers/metrics/json/json-metrics.ts';
import { metricsContract } from './metrics.ts';
import { portOf } from './some-port.ts';

const source = new JsonMetrics({ clock: systemClock });

metricsContract('JSON', {
  source,
  question: (url, headers = {}) => ({ url, value: ['stats', 'errors'], headers }),
  body: (number) => `{"stats":{"errors":${number}}}`,
});

test('a way through members and lists leads to a number or to none', async (t) => {
  const text = '{"a":[{"b":1},{"b":2}],"c":{"length":3},"s":"4","n":null,"t":true,"big":1e999,"o":{}}';
  const server = createServer((_, response) => response.end(text));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const url = `http://127.0.0.1:${portOf(server.address())}/`;
  const at = async (way: string) => {
    const answer = await source.read({ url, value: way.split('.'), headers: {} }, 20_000);
    return answer.type === 'value' ? answer.value : answer.why;
  };
  assert.equal(await at('a.1.b'), 2);
  assert.equal(await at('c.length'), 3);
  assert.equal(await at('a.length'), 'its answer has no a.length');
  assert.equal(await at('a.2.b'), 'its answer has no a.2.b');
  assert.equal(await at('constructor.name'), 'its answer has no constructor.name');
  assert.equal(await at('s'), 's in its answer is text, not a number');
  assert.equal(await at('n'), 'n in its answer is null, not a number');
  assert.equal(await at('t'), 't in its answer is true, not a number');
  assert.equal(await at('big'), 'big in its answer is too large, not a number');
  assert.equal(await at('a'), 'a in its answer is a list, not a number');
  assert.equal(await at('o'), 'o in its answer is an object, not a number');
});
