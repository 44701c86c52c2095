/** What would be done, as people read it. */
import type { PlannedStep } from '../../../core/database/runner.ts';
import type { Compiled, Job, Run, Step } from '../../../core/database/step.ts';
import { quoteName, quoteTable, showTable } from '../../../core/database/identifier.ts';

export function plannedSteps(compiled: Compiled, comesBack: boolean): readonly PlannedStep[] {
  const of = (phase: PlannedStep['phase'], steps: readonly Step[]) =>
    steps.map(({ id, title, run }) => ({ phase, id, title, statements: statementsOf(run) }));
  return [
    ...of('expand', compiled.expand),
    ...compiled.jobs.map(plannedJob),
    ...of('backfill', compiled.seal),
    ...of('contract', compiled.contract),
    // Where nothing is kept the contract goes on to its end at once.
    ...(comesBack ? of('restore', compiled.restore) : []),
    ...of('finish', compiled.finish),
    ...of('revert', compiled.revert),
  ];
}

function statementsOf(run: Run): readonly string[] {
  switch (run.type) {
    case 'transaction':
      return run.statements;
    case 'create-index':
    case 'outside':
      return [run.statement];
    case 'drop-index':
      return [`DROP INDEX CONCURRENTLY IF EXISTS ${quoteTable(run.index)}`];
  }
}

function plannedJob(job: Job): PlannedStep {
  const base = { phase: 'backfill', id: job.id } as const;
  if (job.type === 'repeat')
    return { ...base, title: 'repeat until nothing changes', statements: [job.statement] };
  if (job.type === 'copy')
    return {
      ...base,
      title: `copy the rows of ${showTable(job.table)}, in batches`,
      statements: [job.insert],
    };
  const set = job.set.map(({ column, expression }) => `${quoteName(column)} = (${expression})`).join(', ');
  return {
    ...base,
    title: `bring the rows of ${showTable(job.table)} up to date, in batches`,
    statements: [`UPDATE ${quoteTable(job.table)} SET ${set} WHERE ${job.needs}`],
  };
}
