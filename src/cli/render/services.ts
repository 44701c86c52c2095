import type { ApplyResponse } from '../../wire/api.ts';
import type { Paint } from './style.ts';
import { type Cell, renderTable } from './table.ts';

/** What `segue up` brought up. */
export function renderApplied(applied: ApplyResponse, paint: Paint): string[] {
  const { project, environment, services } = applied;
  const rows = services.map((service): Cell[] => [
    { text: service.name, style: 'bold' },
    { text: service.listen ?? service.kind },
    service.stable === null
      ? { text: 'nothing deployed yet', style: 'dim' }
      : { text: `${service.stable} ${service.kind === 'worker' ? 'runs' : 'serves'}` },
  ]);
  const fresh = services.filter((service) => service.stable === null);
  const notes = services.flatMap((s) =>
    s.notes.map((note) => `  ${paint('yellow', '!')} ${s.name}: ${note}`),
  );
  return [
    `${paint('green', 'up')}: ${project}${environment === null ? '' : ` (${environment})`}`,
    ...(applied.gatewayRenewed
      ? ["  the gateway was replaced by Segue's newest; no connection was refused"]
      : []),
    ...renderTable([], rows, paint, '  '),
    ...notes,
    ...(fresh[0] ? [`${paint('cyan', 'next')}: segue deploy ${fresh[0].name}`] : []),
  ];
}
