export type RunCommand = string | readonly string[];

export function describeRunWords(command: RunCommand): string {
  return typeof command === 'string' ? command : command.join(' ');
}

/** The program that is started, where that can be told without a shell. */
export function programOf(command: RunCommand): string | null {
  if (typeof command !== 'string') return command[0] ?? null;
  const word = command.trim().split(/\s+/)[0] ?? '';
  return /^[A-Za-z0-9_./@+-]+$/.test(word) ? word : null;
}
