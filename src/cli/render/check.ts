import { isWorker, type Project, type Service } from '../../core/project.ts';
import { count, formatDurationMs } from '../../core/units.ts';
import { describeListen } from '../../core/listen.ts';
import { describeRunWords } from '../command-words.ts';
import type { Paint } from './style.ts';
import { type Cell, renderTable } from './table.ts';

/** What segue.yaml says, in short, and what might go wrong with it on this machine. */
export function renderCheck(project: Project, warnings: readonly string[], paint: Paint): string[] {
  const services = Object.values(project.services);
  const environment = project.environment === null ? '' : ` (${project.environment})`;
  return [
    `${paint('green', 'ok')}: ${paint('bold', project.name)}${environment}, ${count(services.length, 'service')}`,
    ...renderTable([], services.map(serviceRow), paint, '  '),
    ...warnings.map((warning) => `  ${paint('yellow', 'warning')}: ${warning}`),
  ];
}

function serviceRow(service: Service): Cell[] {
  return [
    { text: service.name, style: 'bold' },
    isWorker(service)
      ? { text: `worker, jobs get ${formatDurationMs(service.drainMs)}` }
      : { text: describeListen(service.traffic.listen, service.traffic.tls !== null) },
    { text: `${service.instances} x ${describeRunWords(service.run.command)}` },
    { text: service.strategy.type, style: 'dim' },
  ];
}
