import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SegueError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import { isWorker, type Project, type Service } from '../../core/project.ts';
import { formatBytes } from '../../core/units.ts';
import type { ProjectSource } from '../../ports/project-source.ts';
import { loadProject } from '../../wire/file/parse.ts';
import { PROJECT_FILE } from '../../wire/paths.ts';

/** The project as `segue.yaml` in its folder says it now. */
export class YamlProjectFile implements ProjectSource {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  async load(environment: string | null): Promise<Project> {
    const text = await readBounded(join(this.root, PROJECT_FILE));
    const project = loadProject(text, PROJECT_FILE, environment);
    const services = await Promise.all(
      Object.entries(project.services).map(
        async ([name, service]) => [name, await this.#withPage(service)] as const,
      ),
    );
    return { ...project, services: Object.fromEntries(services) };
  }

  /** Users see what the file says now, whatever becomes of it. */
  async #withPage(service: Service): Promise<Service> {
    if (isWorker(service)) return service;
    const { policy, maintenancePage } = service.traffic;
    if (policy.maintenance === null || maintenancePage === null) return service;
    const body = await readPage(join(this.root, maintenancePage), service.name);
    const maintenance = { ...policy.maintenance, body, contentType: 'text/html; charset=utf-8' };
    return { ...service, traffic: { ...service.traffic, policy: { ...policy, maintenance } } };
  }
}

async function readPage(file: string, service: string): Promise<string> {
  const { pageBytesMax } = limits.file;
  const key = `services.${service}.traffic.maintenance.page: ${file}`;
  const { size } = await stat(file).catch((cause: unknown) => {
    throw new SegueError('FILE_INVALID', `${key} cannot be read.`, { cause });
  });
  if (size <= pageBytesMax) return readFile(file, 'utf8');
  throw new SegueError('FILE_INVALID', `${key} is larger than ${formatBytes(pageBytesMax)}.`);
}

async function readBounded(file: string): Promise<string> {
  const { bytesMax } = limits.file;
  try {
    const { size } = await stat(file);
    if (size <= bytesMax) return await readFile(file, 'utf8');
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (missing) throw new SegueError('FILE_MISSING', '', { cause: error });
    throw new SegueError('FILE_INVALID', error instanceof Error ? error.message : '', { cause: error });
  }
  throw new SegueError('FILE_INVALID', `It is larger than ${formatBytes(bytesMax)}.`);
}
