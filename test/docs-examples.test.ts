/**
 * Bugs hunted: an example in the pages that the program refuses - a segue.yaml with a key that is gone, an
 * option that a verb does not take, a heading that nobody wrote, a unit file that starts what is not there.
 */
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path/posix';
import test from 'node:test';
import { parseArgs } from 'node:util';
import { isMap, isSeq, parseDocument } from 'yaml';
import { VERBS } from '../src/cli/commands/index.ts';
import { COMMON_OPTIONS, flatVerbs } from '../src/cli/verb.ts';
import { parseChange } from '../src/wire/change/parse.ts';
import { environmentNames, parseProjectFile } from '../src/wire/file/parse.ts';
import { formatProblem } from '../src/wire/file/problem.ts';
import { parseFlags } from '../src/wire/flags/parse-flags.ts';
import { exists, filesMatching, read } from './support/repository.ts';

const pages = filesMatching('README.md', 'docs/*.md', 'examples/**/*.md');

interface Block {
  /** `docs/file.md:12` */
  readonly place: string;
  /** After the fence: the language, and for YAML what of it this is. */
  readonly info: string;
  readonly text: string;
}

const blocks = pages.flatMap(({ path, text }) =>
  [...text.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)].map(
    ({ index, 1: info = '', 2: body = '' }): Block => {
      const line = text.slice(0, index).split('\n').length;
      return { place: `${path}:${line}`, info, text: body };
    },
  ),
);

function problemsIn(text: string, name: string): string[] {
  return [null, ...environmentNames(text)].flatMap((environment) => {
    const result = parseProjectFile(text, name, environment);
    return result.ok ? [] : result.problems.map(formatProblem);
  });
}

/** Keys of one service as a whole file, with the least that a service needs. */
function serviceFile(text: string): string {
  const service = parseDocument(text);
  for (const [key, value] of [['run', 'node server.js'] as const, ['traffic', { listen: 8080 }] as const])
    if (!service.has(key)) service.set(key, value);
  return JSON.stringify({ project: 'shop', services: { web: service.toJSON() } });
}

/** Other keys of the file beside the least that a project needs. */
function projectFile(text: string): string {
  const project = parseDocument(text);
  const services = { web: { run: 'node server.js', traffic: { listen: 8080 } } };
  for (const [key, value] of [['project', 'shop'] as const, ['services', services] as const])
    if (!project.has(key)) project.set(key, value);
  return JSON.stringify(project.toJSON());
}

const YAML_KINDS: Readonly<Record<string, (block: Block) => string[]>> = {
  yaml: ({ text, place }) => problemsIn(text, place),
  'yaml service': ({ text, place }) => problemsIn(serviceFile(text), place),
  'yaml project': ({ text, place }) => problemsIn(projectFile(text), place),
  'yaml change': ({ text, place }) => {
    const parsed = parseChange(text, place);
    return parsed.ok ? [] : parsed.problems.map(formatProblem);
  },
  'yaml flags': ({ text, place }) => parseFlags([{ name: place, text }]).problems.map(formatProblem),
  /** Not Segue's to judge. */
  'yaml prometheus': ({ text }) => parseDocument(text).errors.map(String),
  /** Not Segue's to judge; its commands are. */
  'yaml workflow': ({ text }) => parseDocument(text).errors.map(String),
};

test('every YAML block of a page is what it says, and right', () => {
  const found = blocks.filter(({ info }) => info.startsWith('yaml'));
  assert.ok(found.length > 5, 'the blocks are found');
  for (const block of found) {
    const check = YAML_KINDS[block.info];
    assert.ok(check, `${block.place}: "${block.info}" is none of ${Object.keys(YAML_KINDS).join(', ')}`);
    assert.deepEqual(check(block), [], block.place);
  }
});

test('every segue.yaml of an example is right', () => {
  for (const { path, text } of filesMatching('examples/**/segue.yaml', 'docs/examples/*.yaml'))
    assert.deepEqual(problemsIn(text, path), []);
});

/** The commands of a block of shell, of a console (without its output), and those that a workflow runs. */
function linesOf({ info, text }: Block): string[] {
  const lines = text.split('\n');
  if (info === 'sh') return lines;
  if (info === 'console') return lines.filter((line) => line.startsWith('$ ')).map((line) => line.slice(2));
  return info === 'yaml workflow' ? runsIn(parseDocument(text).contents) : [];
}

function runsIn(node: unknown): string[] {
  if (isSeq(node)) return node.items.flatMap(runsIn);
  if (!isMap(node)) return [];
  const run = node.get('run');
  return [...(typeof run === 'string' ? [run] : []), ...node.items.flatMap(({ value }) => runsIn(value))];
}

/** What is written in the text of a page as a whole command: `segue show r7 --json`. */
const spansOf = (text: string) =>
  [...text.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/`(segue [^`\n]+)`/g)].map(([, span = '']) => span);

/** The words after each `segue` that begins a command, up to where the shell ends it. */
function commandsIn(line: string): string[][] {
  const bare = line.replace(/(^|\s)#.*$/, '');
  return [...bare.matchAll(/(?:^|[;&|"]\s*|\s)segue ((?:"[^"]*"|[^;&|>"])+)/g)].map(([, rest = '']) =>
    (rest.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', '')),
  );
}

function complaintAbout(words: readonly string[]): string | null {
  const verb = flatVerbs(VERBS).find(({ name }) => words.slice(0, name.split(' ').length).join(' ') === name);
  const [name] = words;
  const args = words.slice(verb?.name.split(' ').length ?? 0);
  if (!verb) return name === '--version' || name === '--help' ? null : 'there is no such verb';
  const specs = [...(verb.options ?? []), ...COMMON_OPTIONS];
  const options = specs.map(({ flag, value }) => {
    const type = value === null ? ('boolean' as const) : ('string' as const);
    return [flag, { type }] as const;
  });
  const help = { help: { type: 'boolean' } } as const;
  try {
    const { positionals } = parseArgs({
      args,
      options: { ...Object.fromEntries(options), ...help },
      allowPositionals: true,
    });
    const taken = verb.arguments?.length ?? 0;
    if (verb.arguments?.at(-1)?.many) return null;
    return positionals.length > taken ? `it takes ${taken} arguments` : null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

test('every segue command of a page is one that the program takes', () => {
  const written = [
    ...blocks.flatMap((block) => linesOf(block).map((line) => ({ place: block.place, line }))),
    ...pages.flatMap(({ path, text }) => spansOf(text).map((line) => ({ place: path, line }))),
  ];
  const commands = written.flatMap(({ place, line }) => commandsIn(line).map((words) => ({ place, words })));
  assert.ok(commands.length > 50, 'the commands are found');
  const wrong = commands.flatMap(({ place, words }) => {
    const complaint = complaintAbout(words);
    return complaint === null ? [] : [`${place}: segue ${words.join(' ')}: ${complaint}`];
  });
  assert.deepEqual(wrong, []);
});

test('what is no command of Segue is found out', () => {
  assert.deepEqual(commandsIn('cd x && segue deploy web --version "$1" > out.json # segue up'), [
    ['deploy', 'web', '--version', '$1'],
  ]);
  assert.equal(complaintAbout(['deploy', 'web', '--version', 'v1', '--dir', './build']), null);
  for (const words of [['polish'], ['deploy', '--canary'], ['up', 'web'], ['rollback', '--to']])
    assert.notEqual(complaintAbout(words), null, words.join(' '));
});

/** As GitHub names headings. */
const anchorsOf = (text: string) =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{Letter}\p{Number} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

test('every link to a heading leads to one', () => {
  const lost = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\(([^)\s#:]*)#([^)\s]+)\)/g)].flatMap(([, file = '', anchor = '']) => {
      const target = file === '' ? path : join(dirname(path), file);
      return anchorsOf(read(target)).includes(anchor) ? [] : [`${path}: ${target}#${anchor}`];
    }),
  );
  assert.deepEqual(lost, []);
});

test('the unit file starts what is there, and leaves instances alone', () => {
  const unit = read('docs/examples/segue.service');
  const [, program = ''] = /^ExecStart=.* \/opt\/segue\/(\S+) --dir /m.exec(unit) ?? [];
  assert.ok(exists(program), `ExecStart runs ${program}`);
  assert.match(unit, /^KillMode=process$/m);
});
