import { SegueError } from '../../core/errors.ts';
import type { FlagDefinition } from '../../core/flags/definition.ts';
import type { Json } from '../../core/flags/json.ts';
import { parseFlags } from './parse-flags.ts';

/** A definition that somebody sends, checked as one in a file is. Throws FLAGS_INVALID with every place. */
export function checkedFlag(key: string, given: Json): FlagDefinition {
  const { flags, problems } = parseFlags([
    { name: key, text: JSON.stringify({ flags: { [key]: given } }, null, 2) },
  ]);
  const own = problems.filter(
    ({ message }) => !message.includes('.metadata.prerequisites: there is no flag'),
  );
  const found = flags[key];
  if (own.length === 0 && found) return found.definition;
  throw new SegueError('FLAGS_INVALID', own.map(({ message }) => message).join('\n'));
}
