import path from 'node:path';
import { SegueError } from '../../core/errors.ts';
import type { FlagChangeRequest, FlagChangeResponse } from '../../wire/flag-api.ts';
import { placesInCode } from '../flags/code-places.ts';
import { contextIn, jsonFile, sharesIn } from '../flags/flag-words.ts';
import { rollOut, ROLLOUT_OPTIONS } from '../flags/rollout.ts';
import type { Input } from '../input.ts';
import {
  renderEvaluation,
  renderFlag,
  renderFlagChanged,
  renderFlagChanges,
  renderFlags,
  renderStale,
} from '../render/flags.ts';
import { openSession, type Session } from '../session.ts';
import type { Shell } from '../shell.ts';
import { REASON, type Verb } from '../verb.ts';

type Act = (input: Input, shell: Shell, session: Session) => Promise<number>;

const WAITING = 4;

const list: Act = async (input, shell, { client }) => {
  const answer = await client.flags();
  return show(input, shell, answer, renderFlags(answer, shell.time.nowMs(), shell.screen.paint));
};

const showOne: Act = async (input, shell, { client }) => {
  const name = nameIn(input);
  const { flags } = await client.flags();
  const flag = flags.find((one) => one.flag === name);
  if (!flag) throw new SegueError('FLAG_UNKNOWN', name);
  return show(input, shell, flag, renderFlag(flag, shell.time.nowMs(), shell.screen.paint));
};

const change =
  (of: (input: Input, shell: Shell) => FlagChangeRequest['to'] | Promise<FlagChangeRequest['to']>): Act =>
  async (input, shell, { client, by }) => {
    const to = await of(input, shell);
    const reason = input.value('reason') ?? '';
    const request = { to, by, reason, ...insistence(input) };
    return changed(input, shell, await client.changeFlag(nameIn(input), request));
  };

const word =
  (verb: 'undo' | 'approve'): Act =>
  async (input, shell, { client, by }) => {
    const number = Number(nameIn(input));
    if (!Number.isSafeInteger(number))
      throw new SegueError('USAGE', `segue flags ${verb} takes the number of a change.`);
    const reason = input.value('reason') ?? '';
    const said = { by, reason, ...(verb === 'undo' ? insistence(input) : {}) };
    return changed(input, shell, await client.sayToFlagChange(verb, number, said));
  };

const history: Act = async (input, shell, { client }) => {
  const answer = await client.flagChanges(input.words('name')[0] ?? null, input.whole('limit', 20, 1000));
  return show(input, shell, answer, renderFlagChanges(answer, shell.screen.paint));
};

const stale: Act = async (input, shell, { client, root }) => {
  const { flags } = await client.flags();
  const old = flags.filter((flag) => flag.stale.length > 0);
  const places = await placesInCode(
    root,
    old.map(({ flag }) => flag),
  );
  const answer = { stale: old.map((flag) => ({ ...flag, code: places[flag.flag] ?? [] })) };
  return show(input, shell, answer, renderStale(old, places, shell.screen.paint));
};

const evaluate: Act = async (input, shell, { client }) => {
  const context = await contextIn(input.value('context'), shell.cwd);
  const answer = await client.evaluateFlag(nameIn(input), context);
  return show(input, shell, answer, renderEvaluation(answer, shell.screen.paint));
};

const bringIn: Act = async (input, shell, { root }) => {
  // Loaded here and not above: few ask for it, and everybody would wait.
  const { importFlags } = await import('../flags/import.ts');
  const answer = await importFlags({
    from: input.value('from'),
    file: nameIn(input),
    cwd: shell.cwd,
    root,
    force: input.has('force'),
  });
  return show(input, shell, answer, [
    `${shell.screen.paint('green', 'written')}: ${answer.written}, ${answer.flags.length} flags`,
    ...answer.left.map(({ flag, why }) => `  ${shell.screen.paint('yellow', '!')} ${flag}: ${why}`),
  ]);
};

const ACTS: Readonly<Record<string, Act>> = {
  list,
  show: showOne,
  new: change(async (input, shell) => ({
    type: 'definition',
    isNew: true,
    definition: await definitionIn(input, shell),
  })),
  set: change(setting),
  on: change(() => ({ type: 'on' })),
  off: change(() => ({ type: 'off' })),
  rollout: (input, shell, session) => rollOut(nameIn(input), input, shell, session),
  history,
  undo: word('undo'),
  approve: word('approve'),
  stale,
  import: bringIn,
  evaluate,
};

export const flags: Verb = {
  name: 'flags',
  summary: `feature flags: ${Object.keys(ACTS).join(', ')}`,
  arguments: [
    { name: 'what', required: true, summary: Object.keys(ACTS).join(', '), completes: Object.keys(ACTS) },
    {
      name: 'name',
      required: false,
      summary: 'the flag; for undo and approve a number, for import a file',
      many: true,
    },
  ],
  options: [
    REASON,
    {
      flag: 'anyway',
      value: null,
      summary: 'on, set, undo: even where its code, or the schema that it needs, is not there; with --reason',
    },
    { flag: 'variant', value: 'NAME', summary: 'set: this variant for everybody' },
    { flag: 'share', value: 'SHARES', summary: 'set: shares such as on=10,off=90' },
    { flag: 'definition', value: 'FILE', summary: "set, new: one flag in flagd's format, JSON or YAML" },
    { flag: 'as-file', value: null, summary: 'set: as its file says, without what was set at run time' },
    { flag: 'context', value: 'CONTEXT', summary: 'evaluate: JSON, @FILE, or targetingKey=user-7,plan=pro' },
    ...ROLLOUT_OPTIONS,
    { flag: 'limit', value: 'N', summary: 'history: so many changes (default: 20)' },
    {
      flag: 'from',
      value: 'NAME',
      summary:
        'import: unleash, launchdarkly or growthbook; rollout: the variant that has to be there now (default: whichever is)',
      completes: ['unleash', 'launchdarkly', 'growthbook'],
    },
    { flag: 'force', value: null, summary: 'import: write over the file that is there' },
  ],
  examples: [
    'segue flags list',
    'segue flags off checkout-v2 --reason "payments fail"',
    'segue flags set checkout-v2 --share on=10,off=90',
    'segue flags rollout checkout-v2 --to on --steps 1,10,50,100 --until evidence',
    'segue flags evaluate checkout-v2 --context targetingKey=user-7,country=DE',
    'segue flags undo 812',
  ],
  async run(input, shell) {
    const what = input.argument('what') ?? '';
    const act = Object.hasOwn(ACTS, what) ? ACTS[what] : undefined;
    if (!act)
      throw new SegueError('USAGE', `segue flags ${what}: expected one of ${Object.keys(ACTS).join(', ')}.`);
    return act(input, shell, await openSession(input, shell));
  },
};

async function setting(input: Input, shell: Shell): Promise<FlagChangeRequest['to']> {
  const variant = input.value('variant');
  const share = input.value('share');
  const file = input.value('definition');
  const asFile = input.has('as-file');
  if ([variant !== null, share !== null, file !== null, asFile].filter(Boolean).length !== 1)
    throw new SegueError(
      'USAGE',
      'segue flags set takes one of --variant, --share, --definition and --as-file.',
    );
  if (variant !== null) return { type: 'variant', variant };
  if (share !== null) return { type: 'shares', shares: sharesIn(share) };
  if (asFile) return { type: 'file' };
  return { type: 'definition', isNew: false, definition: await definitionIn(input, shell) };
}

/** Older controls need not know of it. */
const insistence = (input: Input) => (input.has('anyway') ? { anyway: true } : {});

/** Without a file: off for everybody, ready to be turned on. */
async function definitionIn(input: Input, shell: Shell) {
  const file = input.value('definition');
  if (file !== null) return jsonFile(path.resolve(shell.cwd, file));
  return { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'off' };
}

function nameIn(input: Input): string {
  const [name, ...more] = input.words('name');
  if (name !== undefined && more.length === 0) return name;
  throw new SegueError('USAGE', `segue flags ${input.argument('what') ?? ''} takes one name.`);
}

function changed(input: Input, shell: Shell, answer: FlagChangeResponse): number {
  show(input, shell, answer, renderFlagChanged(answer, shell.screen.paint));
  return answer.type === 'waiting' ? WAITING : 0;
}

function show(input: Input, shell: Shell, answer: unknown, lines: readonly string[]): number {
  if (input.json) shell.screen.json(answer);
  else shell.screen.print([...lines]);
  return 0;
}
