/**
 * segue.yaml to `Project`, without touching the file system. All problems come at once, in the order of the
 * file. The environment's overlay is laid over the file first and the result is checked as a whole, so that
 * an overlay can repair what it needs to and cannot break what it does not mention.
 */
import { SegueError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { Project, Service } from '../../core/project.ts';
import {
  type CheckedService,
  type CheckedWorker,
  type Contradiction,
  contradictions,
  websOf,
} from './checks.ts';
import { checkCountries } from './countries.ts';
import { checkDatabase } from './database.ts';
import { checkDirect } from './direct.ts';
import { checkSecure } from './secure.ts';
import { explain } from './explain.ts';
import { describePath, formatProblem, inOrder, type Path, type Problem } from './problem.ts';
import { readYaml } from './read-yaml.ts';
import { base, CHANGEABLE_KEYS, service as serviceSchema } from './schema.ts';
import { nearest } from './suggest.ts';
import { contains, find, merge, plain, type Spot, type Tree, without } from './tree.ts';

export type ParseResult =
  | { readonly ok: true; readonly project: Project }
  | { readonly ok: false; readonly problems: readonly Problem[] };

interface Layers {
  /** The file with the overlay laid over it. */
  readonly tree: Tree;
  readonly overlay: Tree | null;
  readonly problems: readonly SpottedProblem[];
}

interface SpottedProblem {
  readonly spot: Spot;
  readonly message: string;
}

/** Throws ENVIRONMENT_UNKNOWN; everything else that is wrong is in the result. */
export function parseProjectFile(text: string, fileName: string, environment: string | null): ParseResult {
  const yaml = readYaml(text);
  if (!yaml.ok) return refuse(fileName, yaml.problems);
  const layers = layersOf(yaml.tree, environment);
  const value = plain(layers.tree, isVariable);
  const parsed = base.safeParse(value);
  const shape = parsed.success
    ? []
    : explain(parsed.error.issues, layers.tree).map(({ path, message, atKey }) => {
        const found = find(layers.tree, path);
        return { spot: found.whole && !atKey ? found.tree.spot : found.keySpot, message };
      });
  const sound = parsed.success ? parsed.data.services : soundServices(layers.tree);
  const webs = websOf(sound);
  const across = [
    ...contradictions(sound, parsed.success ? parsed.data.ports : null),
    ...checkDirect(layers.tree, webs),
    ...checkSecure(webs, parsed.success ? parsed.data.gateway : null),
    ...checkCountries(webs, parsed.success ? parsed.data.gateway : null),
    ...(parsed.success ? checkDatabase(sound, parsed.data.database?.services) : []),
  ].map((contradiction) => placed(contradiction, layers));
  const problems = [...layers.problems, ...shape, ...across];
  if (!parsed.success || problems.length > 0) return refuse(fileName, problems);
  const { project, services, keep, ports, gateway, database, flags } = parsed.data;
  const named = Object.entries(services).map(([name, service]): [string, Service] => [
    name,
    { name, ...service },
  ]);
  return {
    ok: true,
    project: {
      ...{ name: project, environment, services: Object.fromEntries(named), keep, ports, gateway, flags },
      database: database ? { ...database, services: database.services ?? null } : null,
    },
  };
}

/** The names under `environments:`; none when the file cannot be read. */
export function environmentNames(text: string): string[] {
  const yaml = readYaml(text);
  return yaml.ok ? keysUnder(yaml.tree, 'environments') : [];
}

function refuse(file: string, problems: readonly SpottedProblem[]): ParseResult {
  const placedProblems = problems.map(({ spot, message }) => ({ place: { file, ...spot }, message }));
  return { ok: false, problems: inOrder(placedProblems).slice(0, limits.file.problemsMax) };
}

function layersOf(root: Tree, environment: string | null): Layers {
  const below = without(root, 'environments');
  const misshapen = misshapenEnvironments(root);
  if (environment === null) return { tree: below, overlay: null, problems: misshapen };
  const overlay = root.kind === 'map' ? find(root, ['environments', environment]) : undefined;
  if (!overlay?.whole) throw unknownEnvironment(root, environment);
  const strays = keysUnder(root, 'environments', environment).filter((key) => !CHANGEABLE_KEYS.includes(key));
  const problems = strays.map((key) => {
    const path = ['environments', environment, key];
    const message = `${describePath(path)}: an environment cannot change this; expected ${CHANGEABLE_KEYS.join(', ')}`;
    return { spot: find(root, path).keySpot, message };
  });
  const changes = without(overlay.tree, ...strays);
  const tree = changes.kind === 'map' ? merge(below, changes) : below;
  return { tree, overlay: changes, problems: [...misshapen, ...problems] };
}

function misshapenEnvironments(root: Tree): SpottedProblem[] {
  const all = find(root, ['environments']);
  if (!all.whole) return [];
  if (all.tree.kind !== 'map')
    return [{ spot: all.tree.spot, message: 'environments: expected names and what differs in each' }];
  return [...all.tree.entries]
    .filter(([, { tree }]) => tree.kind !== 'map' && !(tree.kind === 'scalar' && tree.value === null))
    .map(([name, { tree }]) => ({
      spot: tree.spot,
      message: `environments.${name}: expected what differs, such as { services: { web: { instances: 1 } } }`,
    }));
}

function unknownEnvironment(root: Tree, environment: string): SegueError {
  const names = keysUnder(root, 'environments');
  if (names.length === 0)
    return new SegueError('ENVIRONMENT_UNKNOWN', `"${environment}" was asked for, but the file has none.`);
  const near = nearest(environment, names);
  const hint = near ? `did you mean "${near}"?` : `it has ${names.join(', ')}.`;
  return new SegueError('ENVIRONMENT_UNKNOWN', `"${environment}" was asked for; ${hint}`);
}

function keysUnder(root: Tree, ...path: readonly string[]): string[] {
  const found = find(root, path);
  return found.whole && found.tree.kind === 'map' ? [...found.tree.entries.keys()] : [];
}

/** Services without a problem of their own are compared even while others have some. */
function soundServices(tree: Tree): Record<string, CheckedService | CheckedWorker> {
  const sound: [string, CheckedService | CheckedWorker][] = [];
  for (const name of keysUnder(tree, 'services')) {
    const path = ['services', name];
    const parsed = serviceSchema.safeParse(plain(find(tree, path).tree, isVariable, path));
    if (parsed.success) sound.push([name, parsed.data]);
  }
  return Object.fromEntries(sound);
}

/** A contradiction is reported where the overlay caused it, else at the value to change first. */
function placed({ paths, message }: Contradiction, { tree, overlay }: Layers): SpottedProblem {
  const found = paths.map((path) => ({ path, ...find(tree, path) }));
  const written = found.filter((place) => place.whole);
  const place = written.find((p) => overlay && contains(overlay, p.tree)) ?? written[0] ?? found[0];
  if (!place) return { spot: tree.spot, message };
  const spot = place.whole ? place.tree.spot : place.keySpot;
  return { spot, message: `${describePath(place.path)}: ${message}` };
}

/** `services.web.run.env.NAME`: kept as written. */
function isVariable(path: Path): boolean {
  return path.length === 5 && path[0] === 'services' && path[2] === 'run' && path[3] === 'env';
}

/** The same for those who cannot go on without it: throws FILE_INVALID with every problem. */
export function loadProject(text: string, fileName: string, environment: string | null): Project {
  const result = parseProjectFile(text, fileName, environment);
  if (result.ok) return result.project;
  const [first] = result.problems;
  const detail = result.problems.map(formatProblem).join('\n');
  throw new SegueError('FILE_INVALID', detail, first ? { place: first.place } : {});
}
