/** The steps of a canary: weights that only rise, and each with something to wait for. */
import type { CanaryChoice, WebService } from '../../core/project.ts';
import type { CheckedService, Contradiction } from './checks.ts';
import type { Path } from './problem.ts';

/** Why `until: evidence` would never end; null: it may. */
export function evidenceTrouble({ judge }: Pick<WebService, 'judge'>): string | null {
  return judge === null ? 'there is no evidence without a judge, and judge is off' : null;
}

const FULL = 100;
const HALF = 50;

export function checkLadder(
  name: string,
  service: CheckedService,
  { stages, baseline }: CanaryChoice,
): Contradiction[] {
  const trouble = evidenceTrouble(service);
  const { protocol } = service.traffic;
  const at = (...path: Path): Path => ['services', name, 'strategy', ...path];
  const found: Contradiction[] = [];
  for (const [index, stage] of stages.entries()) {
    const { weight } = stage;
    const waits = stage.forMs > 0 || stage.evidence || stage.approve;
    const before = stages[index - 1]?.weight ?? 0;
    if (weight < before)
      found.push({
        paths: [at('steps', index, 'weight')],
        message: `${weight}% comes after ${before}%; expected no less than before`,
      });
    else if (!waits && weight < FULL)
      found.push({
        paths: [at('steps', index)],
        message: 'there is nothing to wait for; expected until, for or approve',
      });
    else if (!waits && weight === before && !stage.flag)
      found.push({
        paths: [at('steps', index)],
        message: 'all requests have moved by then; expected something to wait for, or no such step',
      });
  }
  for (const [index, { shadow, weight }] of stages.entries()) {
    const paths = [at('steps', index, 'shadow')];
    if (shadow && weight > 0)
      found.push({ paths, message: 'the new version has users by then; expected copies before any weight' });
    else if (shadow && protocol !== 'http1')
      found.push({ paths, message: `copies are HTTP/1.1, but the service speaks ${protocol}` });
  }
  for (const [index, { evidence, weight }] of stages.entries()) {
    const paths = [at('steps', index, 'until')];
    if (evidence && trouble !== null) found.push({ paths, message: trouble });
    else if (evidence && weight === FULL)
      found.push({
        paths,
        message: 'at 100% there is nobody to compare with; the bake is judged against the past',
      });
  }
  if (baseline && stages.every(({ weight }) => weight >= HALF))
    found.push({
      paths: [at('baseline')],
      message: `a baseline runs while the new version has less than ${HALF}%, and no step has less`,
    });
  return found;
}
