import type { PromoteStep } from '../../core/release/step.ts';
import type { StepHandler } from './handler.ts';

export const promote: StepHandler<PromoteStep> = async ({ version }, { ledger, release, spec }) => {
  await ledger.write(() => {
    const record = ledger.service(release.service);
    if (record.stable === version) return null;
    const promoted = { ...record, stable: version, previous: record.stable, wanted: spec.instances };
    return { facts: [], changes: [{ put: 'service', record: promoted }] };
  });
  return '';
};
