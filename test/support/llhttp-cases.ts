/** The cases of llhttp's own tests: Markdown files with an input, its kind, and what llhttp makes of it. */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export interface LlhttpCase {
  /** `request/method.md: Basic request`. */
  readonly name: string;
  readonly message: 'request' | 'response';
  readonly lenient: boolean;
  readonly input: string;
  /** Why llhttp does not go on; undefined when it does. */
  readonly refusal: string | undefined;
}

export const LLHTTP_FOLDER = fileURLToPath(new URL('../../../shared/data/llhttp/test', import.meta.url));

const FOLDERS = ['request', 'response'] as const;
/** A pause or a refusal that the test's own callbacks asked for says nothing about the input. */
const OWN_DOING = /code=(?:2[1-7]|0) |reason="[a-z_]+ (?:pause|error)"|Span callback error/i;

export function llhttpCases(): readonly LlhttpCase[] {
  return FOLDERS.flatMap((folder) =>
    fs
      .readdirSync(path.join(LLHTTP_FOLDER, folder))
      .toSorted()
      .flatMap((file) => casesOf(folder, file)),
  );
}

function casesOf(folder: string, file: string): LlhttpCase[] {
  const text = fs.readFileSync(path.join(LLHTTP_FOLDER, folder, file), 'utf8');
  const cases: LlhttpCase[] = [];
  let title = '';
  const parts = text.matchAll(
    /^#+ (.*)$|^<!-- meta=(\{.*?\}) -->\s*```http\n((?:(?!```)[^])*)```(?:(?!```)[^])*```log\n((?:(?!```)[^])*)```/gm,
  );
  for (const [, heading, meta, source, log] of parts) {
    if (heading !== undefined) title = heading;
    if (meta === undefined || source === undefined || log === undefined) continue;
    for (const type of [JSON.parse(meta).type].flat().map(String)) {
      const refusal = log.split('\n').find((line) => line.includes('error code=') && !OWN_DOING.test(line));
      cases.push({
        name: `${folder}/${file}: ${title}${type.includes('-') ? ` (${type})` : ''}`,
        message: type.startsWith('response') ? 'response' : 'request',
        lenient: type.includes('lenient'),
        input: inputOf(source),
        refusal: refusal?.replace(/^.*reason=/, ''),
      });
    }
  }
  return cases;
}

/** As llhttp's own runner reads them: lines end in CR LF, and what cannot be seen is escaped. */
function inputOf(source: string): string {
  return source
    .replace(/\n$/, '')
    .replace(/\\(?:\r\n|\r|\n)/g, '')
    .replace(/\r\n|\r|\n/g, '\r\n')
    .replace(/\\r/g, '\r')
    .replace(/\\n/g, '\n')
    .replace(/\\t/g, '\t')
    .replace(/\\f/g, '\f')
    .replace(/\\x([0-9a-fA-F]{2})/g, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    .replace(/\\([0-7]{1,3})/g, (_all, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}
