/**
 * From words to a verb and back to an exit code. With `--json` a failure is `{"error": ApiError}` on stdout,
 * so that a script reads one stream and one shape; without it people read it on stderr.
 */
import { Command, CommanderError } from 'commander';
import { SegueError } from '../core/errors.ts';
import { SEGUE_VERSION } from '../wire/version.ts';
import { VERBS } from './commands/index.ts';
import { Input } from './input.ts';
import { reportError } from './report.ts';
import type { Shell } from './shell.ts';
import { COMMON_OPTIONS, type OptionSpec, type Verb } from './verb.ts';

/** What shells report for a program that Ctrl-C ended. */
const INTERRUPTED = 130;

export async function runCli(words: readonly string[], shell: Shell): Promise<number> {
  let exitCode = 0;
  const program = buildProgram(shell, (code) => {
    exitCode = code;
  });
  try {
    if (words.length === 0) program.outputHelp();
    else await program.parseAsync([...words], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    if (shell.interrupted.aborted && !(error instanceof SegueError)) return INTERRUPTED;
    return reportError(usageOf(error), shell, words);
  }
}

function usageOf(error: unknown): unknown {
  if (!(error instanceof CommanderError)) return error;
  return new SegueError('USAGE', error.message.replace(/^error: /, '').replaceAll('\n', ' '));
}

function buildProgram(shell: Shell, ended: (exitCode: number) => void): Command {
  const program = new Command('segue')
    .description('Zero-downtime releases: a new version goes live and nobody notices.')
    .version(SEGUE_VERSION, '--version', 'print the version of Segue')
    .helpOption('--help', 'show help')
    .helpCommand(false)
    // `segue deploy --version v2` names a version; only before a verb is it Segue's own.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => shell.screen.print([text.trimEnd()]),
      // Errors come back as exceptions and are shown by reportError.
      writeErr: () => undefined,
    })
    .addHelpText('after', '\nEvery verb explains itself: segue deploy --help');
  for (const verb of VERBS) program.addCommand(commandOf(verb, shell, ended), { hidden: !!verb.hidden });
  return program;
}

function commandOf(verb: Verb, shell: Shell, ended: (exitCode: number) => void): Command {
  const specs = verb.arguments ?? [];
  const command = new Command(verb.name)
    .description(verb.summary)
    .helpOption('--help', 'show help')
    .helpCommand(false)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => shell.screen.print([text.trimEnd()]),
      writeErr: () => undefined,
    })
    .allowExcessArguments(false)
    .addHelpText('after', ['\nExamples:', ...verb.examples.map((example) => `  ${example}`)].join('\n'));
  for (const { name, required, summary, many } of specs) {
    const words = many === true ? `${name}...` : name;
    command.argument(required ? `<${words}>` : `[${words}]`, summary);
  }
  for (const each of verb.verbs ?? [])
    command.addCommand(commandOf(each, shell, ended), { hidden: !!each.hidden });
  for (const option of [...(verb.options ?? []), ...COMMON_OPTIONS])
    command.option(flagsOf(option), option.summary);
  return command.action(async () => {
    const given = specs.flatMap((spec, i) => {
      const words = spec.many === true ? command.args.slice(i) : command.args.slice(i, i + 1);
      return words.length === 0 ? [] : [[spec.name, words] as const];
    });
    ended(await verb.run(new Input(new Map(given), command.opts<Record<string, unknown>>()), shell));
  });
}

function flagsOf({ flag, value }: OptionSpec): string {
  return value === null ? `--${flag}` : `--${flag} <${value}>`;
}
