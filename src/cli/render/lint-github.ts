/** Workflow commands of GitHub Actions: each becomes an annotation beside the line. */
import type { Severity } from '../../core/database/sql/finding.ts';
import type { LintReport } from './lint.ts';

const COMMANDS: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', advice: 'notice' };

export function lintForGithub({ findings }: LintReport): string[] {
  return findings.map(({ rule, severity, file, line, column, endLine, message, safe }) => {
    const properties = Object.entries({ file, line, col: column, endLine, title: rule })
      .map(([name, value]) => `${name}=${property(String(value))}`)
      .join(',');
    return `::${COMMANDS[severity]} ${properties}::${data([message, ...safe.map((each) => `safe: ${each}`)].join('\n'))}`;
  });
}

/** `%`, line ends, and in properties `:` and `,` would end them. */
function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
