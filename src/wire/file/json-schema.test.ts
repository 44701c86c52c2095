/**
 * Hunts a segue.schema.json that editors trust and Segue does not: stale, without descriptions, or refusing
 * what the parser takes.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import * as z from 'zod';
import { projectJsonSchema } from './json-schema.ts';
import { parseProjectFile } from './parse.ts';

const ROOT = path.join(import.meta.dirname, '..', '..', '..');
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

test('segue.schema.json is what the schema makes now ("npm run schema" writes it)', () => {
  const written: unknown = JSON.parse(readFileSync(path.join(ROOT, 'segue.schema.json'), 'utf8'));
  assert.deepEqual(written, JSON.parse(JSON.stringify(projectJsonSchema())));
});

test('every key has a description', () => {
  const bare: string[] = [];
  const visit = (schema: unknown, at: string): void => {
    if (Array.isArray(schema)) for (const option of schema) visit(option, at);
    if (!isRecord(schema)) return;
    if (isRecord(schema['properties']))
      for (const [key, value] of Object.entries(schema['properties'])) {
        if (!isRecord(value) || typeof value['description'] !== 'string') bare.push(`${at}.${key}`);
        visit(value, `${at}.${key}`);
      }
    for (const key of ['anyOf', 'oneOf', 'allOf', 'items', 'additionalProperties']) visit(schema[key], at);
  };
  const { properties, ...rest } = projectJsonSchema();
  assert.ok(isRecord(properties));
  const { environments, ...base } = properties;
  assert.ok(isRecord(environments));
  visit({ ...rest, properties: base }, '');
  assert.deepEqual(bare, []);
});

describe('editor and parser agree', () => {
  // Draft 7 is read back by zod, so that two readers of one schema are compared.
  const editor = z.fromJSONSchema(projectSchemaForZod());
  const samples: readonly (readonly [boolean, string])[] = [
    [true, 'project: p\nservices: { web: { run: node x, traffic: { listen: 80 } } }'],
    [
      true,
      'project: p\nservices: { web: { run: [node, x], traffic: { listen: "127.0.0.1:80", drain: 0 } } }',
    ],
    [
      true,
      `project: p
services:
  web:
    run: { command: node x, env: { A: 1, B: true, C: env:C }, stop: { signal: SIGINT } }
    traffic: { listen: 80, hold: { for: 1s, requests: 5 }, routes: [{ host: "*.example.com" }] }
    health: { liveness: tcp, readiness: { command: node ready.js, within: 2m }, dependencies: { a: { tcp: "h:1" } } }
    strategy: { type: blue-green, preview: 1m, bake: 10m }
    smoke: [{ post: /x, body: hi, headers: { a: 1 }, expect: { status: 201, headers: { b: c } } }]
keep: { versions: 2, for: 1d }
ports: 3000-4000
environments:
  staging: { services: { web: { instances: 1, strategy: rolling } }, ports: 5000-6000 }`,
    ],
    [
      true,
      `project: p
services:
  mailer:
    kind: worker
    run: { command: node x, stop: { signal: SIGINT } }
    drain: 2m
    health: { readiness: { runs: 5s } }
    strategy: { type: handover, bake: 1m }
    judge: { saturation: { cpu: 2x } }
environments:
  staging: { services: { mailer: { instances: 1, drain: 5s } } }`,
    ],
    [false, 'project: p\nservices: { mailer: { kind: worker, run: node x, traffic: { listen: 80 } } }'],
    [false, 'project: p\nservices: { mailer: { kind: worker, run: node x, strategy: canary } }'],
    [false, 'project: p\nservices: { web: { run: node x, traffic: { listen: 80 }, drain: 5s } }'],
    [false, 'project: p\nservices: { web: { run: node x, traffic: { listen: 80, drain: 5 } } }'],
    [false, 'project: P\nservices: { web: { run: node x, traffic: { listen: 80 } } }'],
    [false, 'project: p\nservices: { web: { run: node x } }'],
    [false, 'project: p\nservices: { web: { run: node x, traffic: { listen: 80 }, strategy: ab } }'],
  ];
  for (const [right, text] of samples)
    test(`${right ? 'right' : 'wrong'}: ${text.replaceAll('\n', ' ').slice(0, 90)}`, () => {
      assert.equal(parseProjectFile(text, 'segue.yaml', null).ok, right);
      const value: unknown = parse(text);
      assert.equal(editor.safeParse(value).success, right);
    });

  function projectSchemaForZod(): z.core.JSONSchema.JSONSchema {
    return JSON.parse(JSON.stringify(projectJsonSchema()));
  }
});
