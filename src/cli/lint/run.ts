/** `segue database lint`. */
import { isAtLeast, type Finding, type Severity, SEVERITIES } from '../../core/database/sql/finding.ts';
import { lintFiles, type SqlFile } from '../../core/database/sql/lint.ts';
import { RULES } from '../../core/database/sql/rules/index.ts';
import { Server, type ServerFacts } from '../../core/database/sql/server.ts';
import { SegueError } from '../../core/errors.ts';
import type { Input } from '../input.ts';
import { lintForGithub } from '../render/lint-github.ts';
import { lintAsSarif } from '../render/lint-sarif.ts';
import { type LintReport, renderLint } from '../render/lint.ts';
import type { Shell } from '../shell.ts';
import { POSTGRES_DEFAULT, versionGiven } from './postgres-version.ts';
import { readSqlFiles } from './sql-files.ts';

const FILES_DEFAULT = 'db/**/*.sql';
/** DESIGN s. 10: a file is wrong. */
const FOUND = 2;

export async function runLint(input: Input, shell: Shell): Promise<number> {
  const failOn = failLevel(input);
  const without = rulesLeftOut(input);
  const given = versionGiven(input);
  const patterns = input.words('file');
  const files = await readSqlFiles(shell.cwd, patterns.length > 0 ? patterns : [FILES_DEFAULT]);
  const facts = await factsFor(files, input, shell);
  const server = new Server(given ?? POSTGRES_DEFAULT, facts && given ? { ...facts, version: given } : facts);
  const all = lintFiles(files, await shell.tools.sqlParser(), {
    server,
    inTransaction: input.has('in-transaction'),
  });
  const least = input.has('advice') || failOn === 'advice' ? 'advice' : 'warning';
  const kept = all.filter(({ rule }) => !without.has(rule));
  const findings = kept.filter(({ severity }) => isAtLeast(severity, least));
  write(
    {
      findings,
      adviceHidden: kept.length - findings.length,
      files: files.length,
      postgres: server.version,
      sized: facts !== null,
    },
    input,
    shell,
  );
  return failOn !== null && findings.some(({ severity }: Finding) => isAtLeast(severity, failOn)) ? FOUND : 0;
}

function write(report: LintReport, input: Input, { screen }: Shell): void {
  if (input.json) screen.json(report);
  else if (input.has('sarif')) screen.json(lintAsSarif(report));
  else if (!input.has('github')) screen.print(renderLint(report, screen.paint));
  // Nothing found is nothing written.
  else if (report.findings.length > 0) screen.print(lintForGithub(report));
}

function failLevel(input: Input): Severity | null {
  const level = input.value('fail-on') ?? 'error';
  if (level === 'never') return null;
  const severity = SEVERITIES.find((each) => each === level);
  if (severity) return severity;
  throw new SegueError('USAGE', `--fail-on: expected error, warning, advice or never, got "${level}".`);
}

function rulesLeftOut(input: Input): ReadonlySet<string> {
  const names = (input.value('without') ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  const unknown = names.find((name) => !Object.hasOwn(RULES, name));
  if (unknown !== undefined) throw new SegueError('USAGE', `--without: there is no rule "${unknown}".`);
  return new Set(names);
}

/** Sizes are a help, not a condition: without them lint says what it can. */
async function factsFor(files: readonly SqlFile[], input: Input, shell: Shell): Promise<ServerFacts | null> {
  const url = urlGiven(input, shell);
  if (url === null) return null;
  const words = new Set<string>();
  for (const { text } of files)
    for (const [name] of text.matchAll(/[\w$\u0080-\uffff]+/g)) words.add(name).add(name.toLowerCase());
  try {
    const facts = await shell.tools.databaseFacts();
    return await facts.read(url, (name) => words.has(name) || /[^\w$\u0080-\uffff]/.test(name));
  } catch (error) {
    const why = error instanceof Error ? error.message || error.name : String(error);
    shell.screen.note([
      `${shell.screen.paint('yellow', 'note')}: the database was not asked for table sizes: ${why}`,
    ]);
    return null;
  }
}

function urlGiven(input: Input, { env }: Shell): string | null {
  const given = input.value('database') ?? env['SEGUE_DATABASE_URL'] ?? null;
  if (given === null || !given.startsWith('env:')) return given;
  const name = given.slice('env:'.length);
  const value = env[name];
  if (value) return value;
  throw new SegueError('USAGE', `--database: the environment variable ${name} is not set.`);
}
