/** Errors of flags; a part of the one table, `core/errors.ts`. */
import { kind } from '../error-kind.ts';

export const FLAG_ERRORS = {
  FLAGS_INVALID: kind(
    2,
    422,
    'The definition files of flags are not right; the last good ones stay in force.',
    'Correct the places named; control takes what is right by itself.',
  ),
  FLAGS_STALE: kind(
    2,
    422,
    'There are flags that have done their work.',
    'Run "segue flags stale" for what is left to do, or move their "end".',
  ),
  FLAG_UNKNOWN: kind(2, 404, 'There is no such flag.', 'Run "segue flags list" to see them.'),
  FLAG_CHANGE_UNKNOWN: kind(
    2,
    404,
    'There is no such change of a flag.',
    'Run "segue flags history" to see them with their numbers.',
  ),
  FLAG_REFUSED: kind(
    5,
    409,
    'The flag was not changed.',
    'Run "segue flags show NAME" to see how it is now.',
  ),
  FLAG_TAKEN: kind(
    3,
    409,
    'The flag was changed by somebody else while it was rolled out.',
    'It is left as they set it: run "segue flags history" to see who and why.',
  ),
  FLAG_MOVED: kind(
    3,
    409,
    'The definition of the flag became another one, which its roll-out does not fit.',
    'It is as its file says, or as it was set before; begin again with "segue flags rollout".',
  ),
  VARIANT_WORSE: kind(
    3,
    422,
    'The new variant of the flag does worse than the one before.',
    'Read the proof above, or with "segue show"; everybody has what they had before.',
  ),
  FLAG_CEILING: kind(
    5,
    409,
    'The flag was not raised: what it needs is not there for everybody who would meet it.',
    'Raise it as far as is said, or release what it needs first. "segue flags on", "set" and "undo" insist with --anyway and a --reason.',
  ),
  FLAGS_LISTEN: kind(
    5,
    409,
    'The port for flags cannot be opened.',
    'Change "flags.ofrep" in segue.yaml, then run "segue up" again.',
  ),
} as const;
