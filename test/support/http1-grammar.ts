/** Requests as a grammar makes them: mostly right, with the parts that parsers disagree on, and some bytes changed. */

import type { Chance } from './chance.ts';

const METHODS = ['GET', 'GET', 'POST', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'get', 'GETX', 'PROPFIND'];
const TARGETS = [
  '/',
  '/a?b=c',
  '/%00',
  '*',
  'http://a/',
  'http://a',
  'http://b/',
  '/\xe9',
  '/a#b',
  'a',
  '//a/b',
  '',
];
const VERSIONS = ['HTTP/1.1', 'HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'http/1.1', 'HTTP/1.1 ', 'HTTP/01.1', ''];
const LINE_ENDS = ['\n', '\r', '\r\r\n', '\r\n ', '\n\r', '\r\n\t', ''];
const BLANKS = ['', ' ', '\t', '  ', ' \t ', '\x0b', '\x0c', '\0', '\xa0'];
const NAMES = [
  'Host',
  'X-A',
  'Content-Length',
  'Transfer-Encoding',
  'Connection',
  'Expect',
  'TE',
  'Upgrade',
  'Trailer',
];
const ODD_NAMES = [
  'Content_Length',
  'Transfer Encoding',
  'Content-Length ',
  ' Host',
  'X(A',
  '',
  'X\0A',
  'H\xf6st',
  'content-lengTH',
];
const LENGTHS = [
  '0',
  '1',
  '5',
  '05',
  '+5',
  '-1',
  '5, 5',
  '5 5',
  '0x5',
  '',
  '99999999999999999999',
  '5\t',
  '\x0b5',
  '1e1',
];
const CODINGS = [
  'chunked',
  'Chunked',
  'chunked, chunked',
  'gzip, chunked',
  'identity',
  'chunked ',
  'x',
  '',
  '"chunked"',
  'chunked;a=b',
];
const OPTIONS = ['close', 'keep-alive', 'Upgrade', 'x-a', 'close, x-a', 'host', ',', ''];
const SIZES = [
  '5',
  '05',
  '0',
  '5 ',
  '5;a',
  '5;a=b',
  '5;a="b"',
  '5;',
  '5; a',
  '+5',
  '0x5',
  '',
  'g',
  '5\t',
  'ffffffffffffffffff',
  ';a',
];

/** One connection's bytes, in latin1. */
export function someInput(chance: Chance): string {
  let input = '';
  const requests = chance.once(3) ? 2 : 1;
  for (let i = 0; i < requests; i += 1) input += request(chance);
  const changes = chance.once(3) ? 1 + chance.below(3) : 0;
  for (let i = 0; i < changes; i += 1) input = changed(chance, input);
  return input;
}

function request(chance: Chance): string {
  const odd = chance.once(2) ? 12 : 60;
  const end = () => (chance.once(odd) ? chance.pick(LINE_ENDS, '\n') : '\r\n');
  const blank = () => (chance.once(odd) ? chance.pick(BLANKS, '\t') : ' ');
  const version = chance.once(odd) ? chance.pick(VERSIONS, '') : 'HTTP/1.1';
  const target = chance.once(3) ? chance.pick(TARGETS, '/') : '/';
  let head = `${chance.pick(METHODS, 'GET')}${blank()}${target}${blank()}${version}${end()}`;
  const framing = chance.below(4);
  const fields = [['Host', 'a']];
  if (framing === 1) fields.push(['Content-Length', chance.once(3) ? chance.pick(LENGTHS, '') : '5']);
  if (framing === 2)
    fields.push(['Transfer-Encoding', chance.once(4) ? chance.pick(CODINGS, '') : 'chunked']);
  for (let i = chance.below(3); i > 0; i -= 1) fields.push(anyField(chance, odd));
  for (const [name = '', value = ''] of fields)
    head += `${name}:${blank()}${value}${chance.once(odd) ? blank() : ''}${end()}`;
  return head + end() + body(chance, framing, end);
}

function anyField(chance: Chance, odd: number): string[] {
  const name = chance.once(odd) ? chance.pick(ODD_NAMES, '') : chance.pick(NAMES, 'X-A');
  switch (name.toLowerCase().trim()) {
    case 'content-length':
      return [name, chance.pick(LENGTHS, '')];
    case 'transfer-encoding':
      return [name, chance.pick(CODINGS, '')];
    case 'connection':
      return [name, chance.pick(OPTIONS, '')];
    default:
      return [name, chance.pick(['a', 'b', 'a\xe9', 'a\x7f', '', 'a:b', 'a\0'], 'a')];
  }
}

function body(chance: Chance, framing: number, end: () => string): string {
  if (framing === 0) return '';
  if (framing === 1) return chance.once(4) ? 'GET /' : 'hello';
  if (framing === 3) return chance.once(5) ? 'hello' : '';
  let chunks = '';
  for (let i = chance.below(3); i > 0; i -= 1) {
    const size = chance.once(3) ? chance.pick(SIZES, '') : '5';
    chunks += `${size}${end()}hello${end()}`;
  }
  const trailer = chance.once(4) ? `${chance.pick(NAMES, 'X-A')}: 1${end()}` : '';
  return `${chunks}0${end()}${trailer}${end()}`;
}

function changed(chance: Chance, input: string): string {
  const at = chance.below(input.length + 1);
  const byte = String.fromCharCode(
    chance.once(2) ? chance.below(256) : chance.pick([0, 9, 10, 13, 32, 58], 10),
  );
  switch (chance.below(4)) {
    case 0:
      return input.slice(0, at) + byte + input.slice(at);
    case 1:
      return input.slice(0, at) + input.slice(at + 1);
    case 2:
      return input.slice(0, at) + byte + input.slice(at + 1);
    default: {
      const part = input.slice(at, at + 1 + chance.below(20));
      return input.slice(0, at) + part + input.slice(at);
    }
  }
}
