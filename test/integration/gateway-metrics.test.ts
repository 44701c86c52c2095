/** Hunts metrics that a real Prometheus does not take, that miss a request, or that fall when an instance goes. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { DEFAULT_SETTINGS } from '../../src/core/traffic/settings.ts';
import { eventually } from '../contract/eventually.ts';
import { somePort } from '../contract/some-port.ts';
import { noPrometheus, startPrometheus } from '../support/prometheus.ts';
import { ask, backendOf, startApp, startGateway } from './gateway-harness.ts';

async function startWithMetrics(t: TestContext) {
  const metricsPort = await somePort();
  const gateway = await startGateway(t, { metrics: { host: '127.0.0.1', port: metricsPort } });
  const scrape = async (): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    return answer.text();
  };
  return { gateway, metricsPort, scrape };
}

const valueOf = (text: string, series: string) =>
  Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${series} `))
      ?.slice(series.length + 1),
  );

test('every request is in the metrics as soon as it is answered, and a failed one as failed', async (t) => {
  const { gateway, scrape } = await startWithMetrics(t);
  const good = await startApp(t, 'good');
  const bad = await startApp(t, 'bad', (req) => req.socket.destroy());
  await gateway.route({ backends: [backendOf(good)] });
  for (let at = 0; at < 5; at += 1) assert.equal((await ask(gateway.port)).status, 200);
  await gateway.route({ backends: [backendOf(bad)] });
  assert.equal((await ask(gateway.port, { method: 'POST', body: 'x' })).status, 502);
  const text = await scrape();
  const series = (id: string, outcome: string) =>
    `segue_requests_total{service="web",version="v1",instance="${id}",outcome="${outcome}"}`;
  assert.equal(valueOf(text, series('good', '2xx')), 5);
  assert.equal(valueOf(text, series('bad', 'failed')), 1);
  assert.equal(valueOf(text, 'segue_service_requests_total{service="web",outcome="2xx"}'), 5);
  assert.equal(valueOf(text, 'segue_request_duration_seconds_count{service="web",version="v1"}'), 5);
  assert.equal(valueOf(text, 'segue_gateway_routing'), 2);
  assert.ok(valueOf(text, 'segue_received_bytes_total{service="web",version="v1",instance="good"}') > 100);
});

test('totals of a service go on when it leaves the routing and comes back', async (t) => {
  const { gateway, scrape } = await startWithMetrics(t);
  const app = await startApp(t, 'a');
  const total = 'segue_service_requests_total{service="web",outcome="2xx"}';
  for (let round = 1; round <= 3; round += 1) {
    await gateway.route({ backends: [backendOf(app)] });
    await ask(gateway.port);
    assert.equal(valueOf(await scrape(), total), round);
    await gateway.route();
    assert.equal(valueOf(await scrape(), total), round);
  }
});

test('the address of the metrics moves and closes with the settings; only /metrics is there', async (t) => {
  const { gateway, metricsPort, scrape } = await startWithMetrics(t);
  const answers = (port: number) =>
    fetch(`http://127.0.0.1:${port}/metrics`).then(
      ({ status }) => status,
      () => null,
    );
  await gateway.route();
  assert.match(await scrape(), /^segue_gateway_routing 1$/m);
  const other = await fetch(`http://127.0.0.1:${metricsPort}/`);
  assert.equal(other.status, 404);
  const posted = await fetch(`http://127.0.0.1:${metricsPort}/metrics`, { method: 'POST', body: 'x' });
  assert.equal(posted.status, 405);
  const next = { host: '127.0.0.1', port: await somePort() };
  const routing = { fence: 1, services: [] };
  const settings = { ...DEFAULT_SETTINGS, metrics: next };
  await gateway.plane.apply({ ...routing, number: 2, settings });
  assert.deepEqual([await answers(metricsPort), await answers(next.port)], [null, 200]);
  await gateway.plane.apply({ ...routing, number: 3, settings: DEFAULT_SETTINGS });
  assert.deepEqual([await answers(metricsPort), await answers(next.port)], [null, null]);
});

test('a real Prometheus reads them', { skip: noPrometheus }, async (t) => {
  const { gateway, metricsPort } = await startWithMetrics(t);
  const app = await startApp(t, 'a "quoted" \\ name');
  await gateway.route({ backends: [backendOf(app)] });
  for (let at = 0; at < 7; at += 1) await ask(gateway.port);
  const address = await startPrometheus(t, metricsPort);
  const query = async (promql: string): Promise<unknown> => {
    const url = `${address}/api/v1/query?query=${encodeURIComponent(promql)}`;
    const answer = await fetch(url).catch(() => null);
    if (!answer?.ok) return null;
    const body: unknown = await answer.json();
    return body;
  };
  const isSeven = async (promql: string) => JSON.stringify(await query(promql)).includes('"7"]');
  await eventually('the requests are counted', () => isSeven('sum(segue_requests_total{outcome="2xx"})'));
  await eventually('a label is what it was', () =>
    isSeven(String.raw`sum(segue_requests_total{instance="a \"quoted\" \\ name"})`),
  );
  await eventually('the histogram adds up', () =>
    isSeven('sum(segue_request_duration_seconds_bucket{le="+Inf"})'),
  );
  const quantile = await query('histogram_quantile(0.99, segue_request_duration_seconds_bucket)');
  assert.match(JSON.stringify(quantile), /"value":\[[\d.]+,"[\d.e-]+"\]/);
});
