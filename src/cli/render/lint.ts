import type { Finding, Severity } from '../../core/database/sql/finding.ts';
import type { ServerVersion } from '../../core/database/sql/server.ts';
import { count } from '../../core/units.ts';
import type { Paint, Style } from './style.ts';

export interface LintReport {
  readonly findings: readonly Finding[];
  /** How many more there would be with --advice. */
  readonly adviceHidden: number;
  readonly files: number;
  readonly postgres: ServerVersion;
  /** Whether a live database was asked for the sizes of its tables. */
  readonly sized: boolean;
}

const STYLES: Readonly<Record<Severity, Style>> = { error: 'red', warning: 'yellow', advice: 'cyan' };

/** What it does, and the safe form: two lines to learn from. */
export function renderLint(report: LintReport, paint: Paint): string[] {
  return [...report.findings.flatMap((finding) => renderFinding(finding, paint)), summary(report, paint)];
}

function renderFinding(
  { rule, severity, file, line, column, message, safe }: Finding,
  paint: Paint,
): string[] {
  const [first = '', ...more] = safe;
  return [
    `${paint('bold', `${file}:${line}:${column}:`)} ${paint(STYLES[severity], severity)} ${rule}`,
    `  ${message}`,
    `  ${paint('green', 'safe:')} ${first}`,
    ...more.map((each) => `        ${each}`),
    '',
  ];
}

function summary({ findings, adviceHidden, files, postgres, sized }: LintReport, paint: Paint): string {
  const found = (['error', 'warning', 'advice'] as const).flatMap((severity) => {
    const n = findings.filter((finding) => finding.severity === severity).length;
    if (n === 0) return [];
    return [paint(STYLES[severity], severity === 'advice' ? `${n} advice` : count(n, severity))];
  });
  const version = postgres.minor === null ? postgres.major : `${postgres.major}.${postgres.minor}`;
  const what = found.length === 0 ? paint('green', 'nothing found') : found.join(', ');
  const hidden = adviceHidden === 0 ? '' : `; ${adviceHidden} more with --advice`;
  return `${what} in ${count(files, 'file')} for PostgreSQL ${version}${sized ? '' : ', sizes not known (--database)'}${hidden}`;
}
