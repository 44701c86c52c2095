/**
 * Hunts a flag that is raised on a schema that is not there, and a schema that is taken away under a flag: by its
 * contract, after which the flag could not be turned off again, or by its revert.
 */
import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, it } from 'node:test';
import type { FlagsResponse } from '../../src/wire/flag-api.ts';
import type { ApiFailure } from '../support/api-client.ts';
import { outcomeOf } from '../support/outcome.ts';
import { PeopleProject, SPLIT } from '../support/people-project.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';

let server: Postgres;
before(async () => (server = await startPostgres()));
after(() => server.stop());

const CHANGE = '0001-split-name';

it('a flag waits for the schema that it needs, and the schema for the flag', async (t) => {
  const strategy = '{ type: canary, bake: 0s, steps: [{ weight: 50, for: 1h }] }';
  const people = await PeopleProject.serving(t, server, { strategy });
  const { project } = people;
  const file = path.join(project.root, 'flags/names.flagd.yaml');
  await mkdir(path.dirname(file));
  await writeFile(
    file,
    `flags:
  two-names:
    state: ENABLED
    variants: { on: true, off: false }
    defaultVariant: off
    metadata: { needs: ${CHANGE} }
`,
  );
  const flags = async () => (await project.api<FlagsResponse>('GET', '/v1/flags')).flags;
  assert.ok(await project.eventually(async () => (await flags()).length === 1));
  const change = (to: string) =>
    project.api('POST', '/v1/flags/two-names/change', { to: { type: to }, by: 'dana', reason: '' });
  const refused = async (why: RegExp) =>
    assert.rejects(change('on'), ({ error }: ApiFailure) => {
      assert.equal(error.code, 'FLAG_CEILING');
      assert.match(error.detail, why);
      return true;
    });
  await refused(/it needs 0001-split-name, which Segue has not seen in the database/);
  await people.change(CHANGE, SPLIT);
  // A plan reads where the changes are.
  await project.api('POST', '/v1/plan', { service: 'web', version: 'v2', dir: 'builds/v2', by: 'test' });
  await refused(/it needs 0001-split-name, which is not expanded/);

  const release = await project.begin('v2');
  const shared = await project.eventually(async () => (await project.web()).release?.percent === 50);
  assert.ok(shared, shared ? '' : await people.tail());
  await change('on');
  const usedBy = async () =>
    (await project.status()).database?.changes.find(({ name }) => name === CHANGE)?.usedBy;
  assert.ok((await usedBy())?.includes('the flag two-names is raised and needs it'));
  await project.api('POST', '/v1/services/web/promote', { by: 'test', reason: '', extent: 'now' });
  assert.equal(outcomeOf(await project.ended(release)), 'done');

  const held = (error: ApiFailure) => {
    assert.equal(error.error.code, 'CONTRACT_REFUSED');
    assert.match(error.error.detail, /the flag two-names needs 0001-split-name, and can still be lowered/);
    return true;
  };
  await assert.rejects(people.contract(CHANGE), held);
  // Lowered, everybody is where the old schema is used.
  await change('off');
  assert.ok(!(await usedBy())?.some((each) => each.includes('two-names')));
  await assert.rejects(people.contract(CHANGE), held);
  await rm(file);
  assert.ok(await project.eventually(async () => (await flags()).length === 0));
  await people.contract(CHANGE);
  assert.deepEqual(await people.columns(), ['email', 'first_name', 'id', 'last_name']);
});
