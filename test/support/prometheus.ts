/** A Prometheus of Debian's that scrapes what a test says, in a folder of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { somePort } from '../contract/some-port.ts';
import { findProgram } from '../../bench/gateway/programs.ts';

const program = findProgram('prometheus');

/** For the `skip` option of a test. */
export const noPrometheus: string | false = program ? false : 'prometheus is not installed';

/** Its address. It answers a moment later. */
export async function startPrometheus(t: TestContext, targetPort: number): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'segue-prometheus-'));
  const port = await somePort();
  const config = {
    global: { scrape_interval: '200ms', scrape_timeout: '200ms' },
    // `instance` is a label of ours.
    scrape_configs: [
      { job_name: 'segue', honor_labels: true, static_configs: [{ targets: [`127.0.0.1:${targetPort}`] }] },
    ],
  };
  await writeFile(path.join(folder, 'prometheus.yml'), JSON.stringify(config));
  const args = [
    `--config.file=${path.join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${path.join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const child = spawn(program ?? '', args, { stdio: 'ignore' });
  t.after(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    await rm(folder, { recursive: true, force: true });
  });
  return `http://127.0.0.1:${port}`;
}
