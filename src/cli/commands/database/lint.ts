import type { Verb } from '../../verb.ts';

export const lint: Verb = {
  name: 'lint',
  summary: 'check SQL for what locks tables, breaks the running version or loses data; needs no segue.yaml',
  arguments: [
    {
      name: 'file',
      required: false,
      summary: 'files, folders, globs, or - for stdin (default: db/**/*.sql)',
      completes: 'file',
      many: true,
    },
  ],
  options: [
    {
      flag: 'postgres',
      value: 'VERSION',
      summary: 'of the server, such as 16 or 14.2 (default: 14, or what the database says)',
    },
    {
      flag: 'database',
      value: 'URL',
      summary: 'ask this database for version and table sizes; env:NAME takes the URL from there',
    },
    {
      flag: 'in-transaction',
      value: null,
      summary: 'the tool that runs the files puts each into one transaction',
    },
    { flag: 'advice', value: null, summary: 'show advice, too' },
    { flag: 'without', value: 'RULES', summary: 'leave these rules out, with commas between' },
    {
      flag: 'fail-on',
      value: 'LEVEL',
      summary: 'exit with 2 from this level: error (default), warning, advice, never',
      completes: ['error', 'warning', 'advice', 'never'],
    },
    { flag: 'sarif', value: null, summary: 'write SARIF 2.1.0, for code scanning' },
    { flag: 'github', value: null, summary: 'write annotations for GitHub Actions' },
  ],
  examples: [
    "segue database lint 'db/**/*.sql'",
    'segue database lint migrations --postgres 16 --fail-on warning',
    'segue database lint db --database env:DATABASE_URL',
    'segue database lint db --in-transaction --without no-lock-timeout --github',
  ],
  // Loaded here and not above: the rules are more than the rest of the CLI.
  run: async (input, shell) => (await import('../../lint/run.ts')).runLint(input, shell),
};
