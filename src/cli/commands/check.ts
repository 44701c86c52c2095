import { SegueError } from '../../core/errors.ts';
import type { Project } from '../../core/project.ts';
import { isAnswering } from '../control-process.ts';
import { warningsFor } from '../machine-check.ts';
import { checkedProject, readProjectText } from '../project-text.ts';
import { renderCheck } from '../render/check.ts';
import { openSession } from '../session.ts';
import { ENVIRONMENT, type Verb } from '../verb.ts';

export const check: Verb = {
  name: 'check',
  summary: 'check segue.yaml, and what this machine lacks for it',
  options: [{ ...ENVIRONMENT, summary: 'check this environment only (default: the file and every one)' }],
  examples: ['segue check', 'segue check --environment staging'],
  async run(input, shell) {
    const { root, client } = await openSession(input, shell);
    const project = await checkFile(await readProjectText(root), input.value('environment'));
    const running = await isAnswering(client).catch(() => true);
    const { checkFlags } = await import('../flags/flag-check.ts');
    const warnings = [
      ...(await warningsFor(project, { root, env: shell.env, running })),
      ...(await checkFlags(project.flags, { root, client, running, nowMs: shell.time.nowMs() })),
    ];
    if (input.json) shell.screen.json({ project, warnings });
    else shell.screen.print(renderCheck(project, warnings, shell.screen.paint));
    return 0;
  },
};

/** Without an environment named, every one has to be right; the problems of all come together. */
async function checkFile(text: string, environment: string | null): Promise<Project> {
  if (environment !== null) return checkedProject(text, environment);
  const { environmentNames } = await import('../../wire/file/parse.ts');
  const problems: SegueError[] = [];
  const projects: Project[] = [];
  for (const name of [null, ...environmentNames(text)])
    try {
      projects.push(await checkedProject(text, name));
    } catch (error) {
      if (!(error instanceof SegueError) || error.code !== 'FILE_INVALID') throw error;
      problems.push(error);
    }
  const [first] = problems;
  const [project] = projects;
  if (!first && project) return project;
  const lines = new Set(problems.flatMap((problem) => problem.detail.split('\n')));
  throw new SegueError('FILE_INVALID', [...lines].join('\n'), first?.place ? { place: first.place } : {});
}
