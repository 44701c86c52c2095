import { parse } from 'yaml';
import type { Findings } from './findings.ts';

/** The first segue.yaml: short, and with what people change first as comments. */
export function starterFile({ name, start, port, workers, others }: Findings, schema: string): string {
  const command = start?.command ?? 'node server.js';
  const from = start ? `from ${start.source}` : 'nothing was found: put your command here';
  const lines = [
    `# yaml-language-server: $schema=${schema}`,
    '# What Segue releases, and how. Check it with "segue check"; times read 500ms, 30s, 10m.',
    `project: ${name}`,
    'services:',
    '  web:',
    `    # ${from}. The program must listen on the port in the environment variable PORT.`,
    `    run: ${scalar(command)}`,
    '    # run: { command: ..., env: { LOG_LEVEL: info, SECRET: env:SECRET }, stop: { signal: SIGTERM, within: 30s } }',
    '    # files: ./build             # what is released; without it this whole folder',
    '    instances: 2',
    '    traffic:',
    `      listen: ${port ?? 8080}${port === null ? '              ' : ''}  # where users come in`,
    '      # routes: [{ host: shop.example.com, path: / }]',
    '      drain: 30s                 # requests in flight get this long when their instance leaves',
    '      hold: 10s                  # requests wait this long when no instance is ready',
    '    # Ready as soon as a connection to the port opens. Better, if the program has such pages:',
    '    # health:',
    '    #   liveness: /livez         # an instance that fails it is restarted',
    '    #   readiness: /readyz       # an instance gets traffic once it passes',
    '    #   dependencies: { database: tcp://127.0.0.1:5432 }',
    '    strategy: rolling            # or canary, blue-green, ab, handover; { type: rolling, surge: 1, unavailable: 0 }',
    '    # What must work on a new version before it gets traffic:',
    '    # smoke: [{ get: /, expect: { status: 200, contains: Welcome } }]',
    ...workers.flatMap((worker) => workerLines(worker)),
    ...others.map(
      (other) => `  # ${other.name}: ${other.command}    # from Procfile; Segue runs no such line`,
    ),
    '# What differs elsewhere: segue up --environment staging',
    '# environments:',
    '#   staging: { services: { web: { instances: 1, traffic: { listen: 8081 } } } }',
  ];
  return `${lines.join('\n')}\n`;
}

function workerLines({ name, command }: Findings['workers'][number]): string[] {
  return [
    `  ${name}:`,
    '    # from Procfile: it takes jobs, and nothing is routed to it. With traffic: it is a web service.',
    '    kind: worker',
    `    run: ${scalar(command)}`,
    '    drain: 30s                   # jobs under way get this long once their instance is told to stop',
    '    # strategy: handover         # where two versions must not be at work at once',
  ];
}

/** Plain where YAML reads it back as the same text, else quoted: JSON strings are YAML strings. */
function scalar(text: string): string {
  const plain = /^[A-Za-z./][A-Za-z0-9 ./_=@%+,-]*$/.test(text) && parse(text) === text;
  return plain ? text : JSON.stringify(text);
}
