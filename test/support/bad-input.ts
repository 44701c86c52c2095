/** What bad input must do: a clear error with its code and exit code, and what served before serves on. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { cli, type CliResult } from './cli.ts';
import { assertClean, steadyLoad } from './steady-load.ts';
import type { TestProject } from './test-project.ts';

export interface Refusal {
  readonly exit: number;
  /** What a person reads, wherever it is written. */
  readonly says: RegExp;
}

export async function refused(project: TestProject, words: readonly string[], refusal: Refusal) {
  return checkRefusal(words, await cli(project.root, words), refusal);
}

export function checkRefusal(
  words: readonly string[],
  result: CliResult,
  { exit, says }: Refusal,
): CliResult {
  const text = `${result.out}${result.err}`;
  assert.equal(result.exitCode, exit, `${words.join(' ')}:\n${text}`);
  assert.match(text, says);
  assert.doesNotMatch(text, /UNEXPECTED|\n {4}at /, 'no stack, and nothing unexpected');
  return result;
}

export async function succeeds(project: TestProject, ...words: string[]): Promise<CliResult> {
  return checkRefusal(words, await cli(project.root, words), { exit: 0, says: /./ });
}

/** The words of a deploy of the build of that name. */
export function deployOf(version: string, dir = `builds/${version}`): string[] {
  return ['deploy', 'web', '--version', version, '--dir', dir];
}

/** Does it under load: nothing may be lost, and only this version may answer. */
export async function serving<T>(
  t: TestContext,
  project: TestProject,
  version: string,
  work: () => Promise<T>,
): Promise<T> {
  const load = steadyLoad(t, project.port);
  const result = await work();
  const answered = load.stats().answered;
  assert.ok(await project.eventually(() => load.stats().answered > answered + 20), 'it serves afterwards');
  assert.deepEqual(Object.keys((await assertClean(load, 20)).versions), [version]);
  return result;
}

/** From nothing to `v1` serving, everything done as users do it. */
export async function serveV1(project: TestProject): Promise<void> {
  await project.build('v1');
  await succeeds(project, 'up');
  await succeeds(project, ...deployOf('v1'));
}
