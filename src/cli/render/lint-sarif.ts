/** SARIF 2.1.0 (OASIS), as code scanning services read it. */
import type { Finding, Severity } from '../../core/database/sql/finding.ts';
import { RULES } from '../../core/database/sql/rules/index.ts';
import { SEGUE_VERSION } from '../../wire/version.ts';
import type { LintReport } from './lint.ts';

const LEVELS: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', advice: 'note' };

export function lintAsSarif({ findings }: LintReport) {
  const codes = Object.keys(RULES);
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: { name: 'segue', semanticVersion: SEGUE_VERSION, rules: Object.entries(RULES).map(ruleOf) },
        },
        columnKind: 'utf16CodeUnits',
        results: findings.map((finding) => resultOf(finding, codes.indexOf(finding.rule))),
      },
    ],
  };
}

function ruleOf([id, { severity, what, safe }]: [string, (typeof RULES)[string]]) {
  return {
    id,
    shortDescription: { text: what },
    help: { text: `Safe: ${safe}` },
    defaultConfiguration: { level: LEVELS[severity] },
  };
}

function resultOf(finding: Finding, ruleIndex: number) {
  const { rule, severity, file, line, column, endLine, endColumn, message, safe } = finding;
  const isEmpty = endLine === line && endColumn <= column;
  return {
    ruleId: rule,
    ruleIndex,
    level: LEVELS[severity],
    message: { text: [message, ...safe.map((each) => `Safe: ${each}`)].join('\n') },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: file.split('/').map(encodeURIComponent).join('/') },
          region: { startLine: line, startColumn: column, ...(isEmpty ? {} : { endLine, endColumn }) },
        },
      },
    ],
  };
}
