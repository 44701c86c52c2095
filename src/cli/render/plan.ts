import { describeEnd, describeWay } from '../../core/release/certificate.ts';
import type { Plan } from '../../core/release/plan.ts';
import { describeStep } from '../../core/release/step.ts';
import { fromTo, type Paint } from './style.ts';
import { renderTable } from './table.ts';

export function renderPlan(plan: Plan, serving: boolean, paint: Paint): string[] {
  const title = `${paint('bold', plan.service)} ${fromTo(plan.from, plan.to)}, ${plan.strategy}`;
  if (serving) return [title, '', `${plan.to} serves already: there is nothing to release.`];
  return [
    ...[title, '', ...renderSteps(plan, paint)],
    ...renderLater(plan, paint),
    ...['', ...renderWays(plan, paint)],
  ];
}

/** Not of the release itself: each with its own gate. */
function renderLater({ later = [] }: Plan, paint: Paint): string[] {
  if (later.length === 0) return [];
  const rows = later.map((step) => [{ text: describeStep(step) }]);
  const title = 'Later, when nothing is left that needs the old schema';
  return ['', paint('bold', title), ...renderTable([], rows, paint, '  ')];
}

export function renderSteps({ steps }: Plan, paint: Paint): string[] {
  const rows = steps.map((step, index) => [
    { text: String(index + 1), style: 'dim' as const, right: true },
    { text: describeStep(step) },
  ]);
  return renderTable([], rows, paint, '  ');
}

/** The rollback certificate: what going back takes, step by step. */
export function renderWays({ certificate, service, rollout }: Plan, paint: Paint): string[] {
  const { to, ways, problems } = certificate;
  // No folder says which flag is meant.
  const subject = rollout ? service : undefined;
  const title = to === null ? 'The way back (nothing serves yet)' : `The way back to ${to}`;
  const rows = ways.map((way) => [
    {
      text:
        way.fromStep === way.toStep
          ? `after step ${way.toStep}`
          : `after steps ${way.fromStep}-${way.toStep}`,
      style: 'dim' as const,
    },
    { text: describeWay(way, to, subject) },
  ]);
  return [
    paint('bold', title),
    ...renderTable([], rows, paint, '  '),
    ...describeEnd(certificate).map((line) => `  ${line}`),
    ...problems.map((problem) => `  ${paint('yellow', 'warning')}: ${problem}`),
  ];
}
