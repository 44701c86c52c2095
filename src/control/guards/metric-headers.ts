/** Headers of the questions to outside metrics: `env:NAME` is looked up when it is asked, and is written nowhere. */
import { SegueError } from '../../core/errors.ts';
import type { Service } from '../../core/project.ts';
import { type Looked, valueIn } from '../instance-environment.ts';
import type { ControlPorts } from '../ports.ts';

type Environment = ControlPorts['environment'];
type Missing = Extract<Looked, { type: 'missing' }>;

export function headersIn(
  outer: Environment,
  written: Readonly<Record<string, string>>,
): { readonly type: 'found'; readonly headers: Readonly<Record<string, string>> } | Missing {
  const headers: Record<string, string> = {};
  for (const [name, text] of Object.entries(written)) {
    const looked = valueIn(outer, text);
    if (looked.type === 'missing') return looked;
    headers[name] = looked.value;
  }
  return { type: 'found', headers };
}

/** Throws ENVIRONMENT_VALUE_MISSING: a guard that could never be asked would hold every release. */
export function refuseMissingHeaders(outer: Environment, { name, judge }: Service): void {
  for (const [metric, { origin }] of Object.entries(judge?.guards.metrics ?? {})) {
    const looked = headersIn(outer, origin.headers);
    if (looked.type === 'missing')
      throw new SegueError(
        'ENVIRONMENT_VALUE_MISSING',
        `services.${name}.judge.metrics.${metric}.headers needs ${looked.name}.`,
      );
  }
}
