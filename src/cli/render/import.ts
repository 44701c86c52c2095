import { count } from '../../core/units.ts';
import type { FileText } from '../import/change-folder.ts';
import type { Paint } from './style.ts';

export interface ImportedFile {
  readonly source: string;
  /** Null where nothing of it could be taken over. */
  readonly folder: string | null;
  readonly files: readonly FileText[];
  readonly notes: readonly {
    /** A person has to do something about it. */
    readonly open: boolean;
    readonly message: string;
    readonly line: number;
    readonly column: number;
  }[];
}

export function renderImport(
  imported: readonly ImportedFile[],
  { to, isDry }: { readonly to: string; readonly isDry: boolean },
  paint: Paint,
): string[] {
  const isNothing = imported.every(({ files, notes }) => files.length === 0 && notes.length === 0);
  if (isNothing)
    return imported.map(({ source }) => `${paint('yellow', 'nothing')}: ${source} has no statement`);
  const open = imported.flatMap(({ notes }) => notes.filter((note) => note.open)).length;
  return [
    ...imported.flatMap((each) => renderFile(each, { to, isDry }, paint)),
    open === 0
      ? `${paint('cyan', 'next')}: read the files, then segue database lint ${to}`
      : `${paint('yellow', `${count(open, 'place')} to look at`)} before the change can run: see above`,
  ];
}

function renderFile(
  { source, folder, files, notes }: ImportedFile,
  { to, isDry }: { readonly to: string; readonly isDry: boolean },
  paint: Paint,
): string[] {
  const verb = isDry ? 'would write' : 'written';
  const names = files.map(({ file }) => file).join(', ');
  const head =
    folder === null
      ? `${paint('yellow', 'nothing')} of ${source} could be taken over`
      : `${paint('green', verb)}: ${to}/${folder}/ (${names}) from ${source}`;
  const shown = notes.map(({ open, message, line, column }) => {
    const mark = open ? paint('yellow', 'look') : paint('dim', 'note');
    return `  ${source}:${line}:${column}: ${mark} ${message}`;
  });
  const texts = isDry
    ? files.flatMap(({ file, text }) => [
        `  ${paint('bold', file)}`,
        ...text
          .trimEnd()
          .split('\n')
          .map((line) => `    ${line}`),
      ])
    : [];
  return [head, ...shown, ...texts, ''];
}
