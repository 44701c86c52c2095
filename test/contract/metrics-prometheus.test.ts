/** Bugs hunted: vectors of none or many and values that are no numbers taken for one; and all that the contract hunts. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../../src/drivers/clock/system.ts';
import { PrometheusMetrics } from '../../src/drivers/metrics/prometheus/prometheus-metrics.ts';
import { noPrometheus, startPrometheus } from '../support/prometheus.ts';
import { eventually } from './eventually.ts';
import { metricsContract } from './metrics.ts';
import { portOf } from './some-port.ts';

const source = new PrometheusMetrics({ clock: systemClock });

const vector = (...values: string[]) =>
  JSON.stringify({
    status: 'success',
    data: { resultType: 'vector', result: values.map((value) => ({ metric: {}, value: [1, value] })) },
  });

metricsContract('Prometheus', {
  source,
  question: (url, headers = {}) => ({ url, query: 'up', headers }),
  body: (number) => vector(number),
});

async function serve(t: TestContext, textOf: (url: string) => string): Promise<string> {
  const server = createServer((request, response) => response.end(textOf(request.url ?? '')));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${portOf(server.address())}`;
}

async function ask(url: string, query = 'up'): Promise<number | string> {
  const answer = await source.read({ url, query, headers: {} }, 20_000);
  return answer.type === 'value' ? answer.value : answer.why;
}

test('what is not one number is none', async (t) => {
  const answers: [text: string, wanted: RegExp][] = [
    [vector(), /found no series/],
    [vector('1', '2', '3'), /found 3 series where one is needed/],
    [vector('NaN'), /gave NaN, which is not a number/],
    [vector('+Inf'), /gave \+Inf/],
    [vector(''), /gave nothing/],
    ['{"status":"success","data":{"resultType":"matrix","result":[]}}', /no instant vector or scalar/],
    ['{"status":"success","data":{"resultType":"scalar","result":[1,2]}}', /no instant vector or scalar/],
    ['{"status":"error","errorType":"bad_data","error":"parse error"}', /bad_data: parse error/],
  ];
  let text = '';
  const url = await serve(t, () => text);
  for (const [answer, wanted] of answers) {
    text = answer;
    assert.match(String(await ask(url)), wanted);
  }
});

test('the query goes below the path of the address, as it is', async (t) => {
  const asked: string[] = [];
  const url = await serve(t, (path) => {
    asked.push(path);
    return vector('1');
  });
  await ask(`${url}/prometheus/`, 'a{b="c+d&e"}');
  assert.equal(asked[0], `/prometheus/api/v1/query?query=${encodeURIComponent('a{b="c+d&e"}')}`);
});

test('a real one answers', { skip: noPrometheus }, async (t) => {
  const exposed = await serve(t, () => 'shop_errors{version="v1"} 3\nshop_errors{version="v2"} 7\n');
  const url = await startPrometheus(t, Number(new URL(exposed).port));
  await eventually('it has scraped', async () => (await ask(url, 'sum(shop_errors{version="v2"})')) === 7);
  assert.equal(await ask(url, 'scalar(sum(shop_errors))'), 10);
  assert.match(String(await ask(url, 'shop_errors')), /found 2 series/);
  assert.match(String(await ask(url, 'shop_errors{version="v3"}')), /found no series/);
  assert.match(String(await ask(url, 'sum(shop_errors) / 0')), /\+Inf/);
  assert.match(String(await ask(url, '0 * sum(shop_errors) / 0')), /NaN/);
  assert.match(String(await ask(url, 'sum(')), /refused the query: bad_data/);
});
