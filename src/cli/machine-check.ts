/** What a file that is right in itself may still lack, on this machine or for its purpose. Warnings only. */
import { constants } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { limits } from '../core/limits.ts';
import {
  isWeb,
  isWorker,
  type Listen,
  type Project,
  type Service,
  type WebService,
} from '../core/project.ts';
import { CountryDatabase } from '../core/traffic/country-database.ts';
import { formatDurationMs } from '../core/units.ts';
import { programOf } from './command-words.ts';

export interface Machine {
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** True when this project's own gateway may hold the ports. */
  readonly running: boolean;
}

export async function warningsFor(project: Project, machine: Machine): Promise<string[]> {
  const services = Object.values(project.services);
  const perService = await Promise.all(
    services.map(async (service) => [
      ...(await commandWarnings(service, machine)),
      ...variableWarnings(service, machine),
      ...holdWarnings(service),
    ]),
  );
  const files = [
    ...(await certificateWarnings(project, machine)),
    ...(await countryFileWarnings(project, machine)),
  ];
  const ports = machine.running ? [] : await portWarnings(services.filter(isWeb));
  return [...perService.flat(), ...files, ...ports];
}

async function commandWarnings({ name, run, files }: Service, machine: Machine): Promise<string[]> {
  const program = programOf(run.command);
  if (program === null) return [];
  const folder = path.resolve(machine.root, files.dir);
  if (!(await isThere(folder, constants.R_OK)))
    return [`${name}: the folder to release, ${files.dir}, is not there`];
  if (program.includes('/'))
    return (await isThere(path.resolve(folder, program), constants.X_OK))
      ? []
      : [`${name}: ${program} is not there or cannot be run`];
  const folders = (machine.env['PATH'] ?? '').split(path.delimiter);
  const found = await Promise.all(folders.map((at) => isThere(path.join(at, program), constants.X_OK)));
  return found.includes(true) ? [] : [`${name}: the command ${program} is not on the PATH`];
}

async function certificateWarnings({ gateway }: Project, { root }: Machine): Promise<string[]> {
  const files = gateway.certificates.flatMap(({ certificate, key }) => [certificate, key]);
  const readable = await Promise.all(files.map((file) => isThere(path.resolve(root, file), constants.R_OK)));
  return files
    .filter((_, at) => readable[at] !== true)
    .map((file) => `gateway: ${file} is not there or cannot be read`);
}

/** It is read as the gateway reads it. */
async function countryFileWarnings({ gateway }: Project, { root }: Machine): Promise<string[]> {
  const file = gateway.countryFile;
  if (file === null) return [];
  const at = path.resolve(root, file);
  if (!(await isThere(at, constants.R_OK))) return [`gateway: ${file} is not there or cannot be read`];
  try {
    const { size } = await stat(at);
    if (size > limits.gateway.geo.fileBytesMax) return [`gateway: ${file} is too large`];
    CountryDatabase.openWhole(await readFile(at));
    return [];
  } catch (error) {
    return [`gateway: ${file} cannot be used: ${error instanceof Error ? error.message : String(error)}`];
  }
}

function variableWarnings({ name, run, judge }: Service, { env }: Machine): string[] {
  const metrics = Object.values(judge?.guards.metrics ?? {});
  const values = [run.env, ...metrics.map(({ origin }) => origin.headers)].flatMap((each) =>
    Object.values(each),
  );
  const wanted = values.filter((value) => value.startsWith('env:'));
  const missing = wanted.map((value) => value.slice(4)).filter((variable) => env[variable] === undefined);
  return missing.map((variable) => `${name}: the environment variable ${variable} is not set here`);
}

/** Those who wait do so until the old version has ended, too. */
function holdWarnings(service: Service): string[] {
  if (isWorker(service)) return [];
  const { name, run, traffic, strategy } = service;
  const withinMs = run.stop.withinMs ?? 0;
  if (strategy.type !== 'handover' || withinMs < traffic.hold.forMs) return [];
  const [stop, hold] = [formatDurationMs(withinMs), formatDurationMs(traffic.hold.forMs)];
  return [
    `${name}: ending may take ${stop} (run.stop.within), and requests wait for ${hold} only (traffic.hold)`,
  ];
}

async function portWarnings(services: readonly WebService[]): Promise<string[]> {
  const listens = new Map(services.map((s) => [`${s.traffic.listen.host}:${s.traffic.listen.port}`, s]));
  const warnings = await Promise.all(
    [...listens.values()].map(async ({ name, traffic: { listen } }) => {
      const trouble = await bindTrouble(listen);
      return trouble === null ? [] : [`${name}: port ${listen.port} ${trouble}`];
    }),
  );
  return warnings.flat();
}

function bindTrouble({ host, port }: Listen): Promise<string | null> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', (error) => {
      const taken = 'code' in error && error.code === 'EADDRINUSE';
      resolve(taken ? 'is in use by another program' : `cannot be listened on (${error.message})`);
    });
    server.listen({ port, ...(host === '' ? {} : { host }) }, () => server.close(() => resolve(null)));
  });
}

async function isThere(file: string, mode: number): Promise<boolean> {
  return access(file, mode).then(
    () => true,
    () => false,
  );
}
