import os from 'node:os';

/** Who asks for a release, for the journal: the person behind a CI job, else user@host. */
export function whoAsks(env: Readonly<Record<string, string | undefined>>): string {
  const person = env['GITLAB_USER_LOGIN'] ?? env['GITHUB_ACTOR'];
  if (env['CI'] && person) return `${person} (CI)`.slice(0, CHARS_MAX);
  return `${userName(env)}@${os.hostname()}`.slice(0, CHARS_MAX);
}

/** As `by` in wire/api.ts. */
const CHARS_MAX = 120;

function userName(env: Readonly<Record<string, string | undefined>>): string {
  try {
    return os.userInfo().username;
  } catch {
    // A container's user need not have a name.
    return env['USER'] ?? `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
