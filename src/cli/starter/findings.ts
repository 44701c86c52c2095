/** What a project folder tells about itself, for the first segue.yaml. */
import { access, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { limits } from '../../core/limits.ts';
import { isRecord } from '../transport.ts';

export interface Findings {
  readonly name: string;
  /** How the service is started and which file says so; null: nothing was found. */
  readonly start: { readonly command: string; readonly source: string } | null;
  /** From `EXPOSE`. */
  readonly port: number | null;
  /** Lines of a Procfile that are no web service: programs that run on beside it. */
  readonly workers: readonly Line[];
  /** Those that run once, such as before a release, or whose name is none for a service. */
  readonly others: readonly Line[];
}

/** Of a Procfile. */
interface Line {
  readonly name: string;
  readonly command: string;
}

/** Lines that run once where Procfiles come from. */
const RUN_ONCE = new Set(['release', 'postdeploy', 'console']);

export async function lookAround(root: string): Promise<Findings> {
  const [manifest, procfile, dockerfile] = await Promise.all([
    readManifest(root),
    readText(path.join(root, 'Procfile')),
    readText(path.join(root, 'Dockerfile')),
  ]);
  const processes = readProcfile(procfile);
  const web = processes.find((line) => line.name === 'web');
  const image = readDockerfile(dockerfile);
  const start =
    (web && { command: web.command, source: 'Procfile' }) ??
    (await startOf(root, manifest)) ??
    (image.command === null ? null : { command: image.command, source: 'Dockerfile' });
  return {
    name: nameFrom(manifest['name']) ?? nameFrom(path.basename(root)) ?? 'app',
    start,
    port: image.port,
    ...sorted(processes.filter((line) => line.name !== 'web')),
  };
}

/** Each name of segue.yaml is one service; what has no such name is left to the reader. */
function sorted(lines: readonly Line[]): Pick<Findings, 'workers' | 'others'> {
  const taken = new Set(['web']);
  const workers: Line[] = [];
  const others: Line[] = [];
  for (const line of lines) {
    const name = nameFrom(line.name);
    if (RUN_ONCE.has(line.name) || name === null || taken.has(name)) {
      others.push(line);
      continue;
    }
    taken.add(name);
    workers.push({ name, command: line.command });
  }
  return { workers, others };
}

async function readManifest(root: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const value: unknown = JSON.parse(await readText(path.join(root, 'package.json')));
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

/** Empty when there is none; a file too large to be what it seems is left alone. */
async function readText(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    return size > limits.file.bytesMax ? '' : await readFile(file, 'utf8');
  } catch {
    return '';
  }
}

/** The script itself rather than `npm start`: npm would stand between Segue's signals and the program. */
async function startOf(
  root: string,
  manifest: Readonly<Record<string, unknown>>,
): Promise<Findings['start']> {
  const scripts = manifest['scripts'];
  const script = isRecord(scripts) ? scripts['start'] : undefined;
  if (typeof script === 'string' && script.trim() !== '')
    return { command: await withLocalProgram(root, script.trim()), source: 'package.json (scripts.start)' };
  for (const file of [manifest['main'], 'server.js'])
    if (typeof file === 'string' && (await exists(path.join(root, file))))
      return { command: `node ${file}`, source: file === 'server.js' ? file : 'package.json (main)' };
  return null;
}

/** npm puts node_modules/.bin on the PATH of its scripts; Segue does not. */
async function withLocalProgram(root: string, script: string): Promise<string> {
  const [program = '', ...rest] = script.split(' ');
  const local = `./node_modules/.bin/${program}`;
  const isLocal = /^[A-Za-z0-9_.-]+$/.test(program) && (await exists(path.join(root, local)));
  return [isLocal && program !== 'node' ? local : program, ...rest].join(' ');
}

function readProcfile(text: string): Line[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const [, name, command] = /^([A-Za-z0-9_-]+):\s*(\S.*)$/.exec(line) ?? [];
    return name && command ? [{ name, command: command.trim() }] : [];
  });
}

function readDockerfile(text: string): { command: string | null; port: number | null } {
  const lines = text.replace(/\\\r?\n/g, ' ').split(/\r?\n/);
  const last = (word: string) => lines.findLast((line) => new RegExp(`^\\s*${word}\\s`, 'i').test(line));
  const port = Number(/^\s*EXPOSE\s+(\d{1,5})/i.exec(last('EXPOSE') ?? '')?.[1] ?? 0);
  const entry = commandWords(last('ENTRYPOINT'), 'ENTRYPOINT');
  const command = [entry, commandWords(last('CMD'), 'CMD')].filter((part) => part !== '').join(' ');
  return { command: command || null, port: port >= 1 && port <= 65_535 ? port : null };
}

function commandWords(line: string | undefined, word: string): string {
  const rest = (line ?? '').trim().slice(word.length).trim();
  if (!rest.startsWith('[')) return rest;
  try {
    const words: unknown = JSON.parse(rest);
    return Array.isArray(words) ? words.map((w) => shellWord(String(w))).join(' ') : '';
  } catch {
    return '';
  }
}

function shellWord(word: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A name that segue.yaml takes: `@shop/Web App` becomes `web-app`. */
export function nameFrom(text: unknown): string | null {
  if (typeof text !== 'string') return null;
  const name = text
    .replace(/^@[^/]*\//, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 31)
    .replace(/-+$/, '');
  return name === '' ? null : name;
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
