/**
 * Hunts followers of releases and logs that miss, repeat or wait for ever, and those that are gone but still
 * counted.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { limits } from '../../src/core/limits.ts';
import type { LogLine } from '../../src/wire/api.ts';
import { assertEnded } from '../support/outcome.ts';
import { Follower, rawCall } from '../support/raw-api.ts';
import { TestProject } from '../support/test-project.ts';

let project: TestProject;
before(async () => {
  project = await TestProject.create({ service: '    strategy: { type: blue-green, bake: 60s }' });
  await project.up();
  for (const version of ['v1', 'v2']) await project.build(version);
  assertEnded(await project.deploy('v1'), 'done');
});
after(() => project.remove());

const follow = (id: string, after_ = 0) =>
  new Follower(project.root, `/v1/releases/${id}/events?after=${after_}`);
const numbers = (follower: Follower) => follower.lines.map(({ seq }) => seq);

async function written(id: string): Promise<number[]> {
  return (await project.release(id)).entries.map(({ seq }) => seq);
}

describe('following a release', () => {
  it('from its beginning, its middle and its end gives the rest of it, once and in order, and ends', async () => {
    const id = await project.begin('v2');
    const early = follow(id);
    await project.eventually(() => early.lines.some(({ fact }) => fact.kind === 'step-done'));
    const middle = numbers(early).at(-1) ?? 0;
    const joined = follow(id, middle);
    await project.abort();
    await Promise.all([early.ended, joined.ended]);
    const all = await written(id);
    assert.deepEqual(numbers(early), all);
    assert.deepEqual(
      numbers(joined),
      all.filter((seq) => seq > middle),
    );

    const late = follow(id);
    const after_ = follow(id, all.at(-1));
    const beyond = follow(id, 1_000_000);
    await Promise.all([late.ended, after_.ended, beyond.ended]);
    assert.deepEqual(numbers(late), all);
    assert.deepEqual([numbers(after_), numbers(beyond)], [[], []]);
  });

  it('by as many as may, each to its end; one more is refused; who leaves makes room', async () => {
    const id = await project.begin('v2');
    const many = Array.from({ length: limits.api.followersMax }, () => follow(id));
    assert.ok(await project.eventually(() => many.every(({ lines }) => lines.length > 0)));
    const events = `/v1/releases/${id}/events`;
    const { status, text } = await rawCall(project.root, { path: events });
    assert.deepEqual([status, /follow already/.test(text)], [400, true], text);

    for (const follower of many.slice(0, 10)) follower.leave();
    const more: Follower[] = [];
    const room = await project.eventually(async () => {
      const next = follow(id);
      await project.eventually(() => next.status !== 0);
      if (next.status === 200) more.push(next);
      return more.length === 10;
    });
    assert.ok(room, `${more.length} of 10 found room`);
    await project.abort();
    const staying = [...many.slice(10), ...more];
    await Promise.all(staying.map(({ ended }) => ended));
    const all = await written(id);
    for (const follower of staying) assert.deepEqual(numbers(follower), all);
  });
});

describe('logs', () => {
  it('of all instances, each line with its instance, and with follow what comes', async () => {
    const logs = new Follower<LogLine>(project.root, '/v1/logs?follow=1&lines=0');
    const [first] = (await project.web()).instances;
    assert.ok(first);
    await project.eventually(() => logs.status === 200);
    await fetch(`http://127.0.0.1:${first.port}/say?text=hello`);
    assert.ok(await project.eventually(() => logs.lines.some(({ line }) => line.includes('hello'))));
    assert.ok(logs.lines.every(({ instance }) => instance === first.id));
    const whole = await rawCall(project.root, { path: `/v1/logs?instance=${first.id}` });
    assert.match(whole.text, /hello/);
    logs.leave();
    await logs.ended;
  });

  it('of what does not exist say so, and lead nowhere else', async () => {
    const ask = async (query: string) => (await rawCall(project.root, { path: `/v1/logs?${query}` })).text;
    assert.match(await ask('service=nothing'), /SERVICE_UNKNOWN/);
    assert.match(await ask('instance=web-r9-9'), /INSTANCE_UNKNOWN/);
    assert.match(await ask('instance=..%2Fcontrol'), /INSTANCE_UNKNOWN/);
    assert.equal((await project.status()).project, 'test');
  });
});
