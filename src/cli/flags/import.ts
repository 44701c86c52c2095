/** `segue flags import`: an export of another tool becomes a definition file of this project. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { SegueError } from '../../core/errors.ts';
import { fromGrowthBook } from '../../core/flags/import/growth-book.ts';
import { fromLaunchDarkly } from '../../core/flags/import/launch-darkly.ts';
import type { LeftOut, Translation } from '../../core/flags/import/translation.ts';
import { fromUnleash } from '../../core/flags/import/unleash.ts';
import { isJsonObject, type JsonObject } from '../../core/flags/json.ts';
import { formatProblem } from '../../wire/file/problem.ts';
import { parseFlags } from '../../wire/flags/parse-flags.ts';
import { checkedProject, readProjectText } from '../project-text.ts';
import { jsonFile } from './flag-words.ts';

const TOOLS: Readonly<Record<string, (given: JsonObject) => Translation>> = {
  unleash: fromUnleash,
  launchdarkly: fromLaunchDarkly,
  growthbook: fromGrowthBook,
};

interface ImportRequest {
  readonly from: string | null;
  readonly file: string;
  readonly cwd: string;
  readonly root: string;
  readonly force: boolean;
}

export interface Imported {
  /** Seen from the project's folder. */
  readonly written: string;
  readonly flags: readonly string[];
  /** What does not map. */
  readonly left: readonly LeftOut[];
}

export async function importFlags({ from, file, cwd, root, force }: ImportRequest): Promise<Imported> {
  const translate = from !== null && Object.hasOwn(TOOLS, from) ? TOOLS[from] : undefined;
  if (!translate)
    throw new SegueError('USAGE', `segue flags import takes --from ${Object.keys(TOOLS).join(', ')}.`);
  const given = await jsonFile(path.resolve(cwd, file));
  if (!isJsonObject(given)) throw new SegueError('USAGE', `${file} is no export of ${from ?? ''}.`);
  const { flags, left } = translate(given);
  if (Object.keys(flags).length === 0)
    throw new SegueError('USAGE', `${file} has no flags of ${from ?? ''}.`);
  const { dir } = (await checkedProject(await readProjectText(root), null)).flags;
  const written = path.join(dir, `imported-${from ?? ''}.flagd.json`);
  const text = `${JSON.stringify({ flags }, null, 2)}\n`;
  const { problems } = parseFlags([{ name: written, text }]);
  if (problems.length > 0) throw new SegueError('FLAGS_INVALID', problems.map(formatProblem).join('\n'));
  await mkdir(path.join(root, dir), { recursive: true });
  await writeFile(path.join(root, written), text, { flag: force ? 'w' : 'wx' }).catch((cause: unknown) => {
    throw new SegueError('USAGE', `${written} is there already; --force writes over it.`, { cause });
  });
  return { written, flags: Object.keys(flags), left: once(left) };
}

const once = (left: readonly LeftOut[]) => [
  ...new Map(left.map((one) => [`${one.flag} ${one.why}`, one])).values(),
];
