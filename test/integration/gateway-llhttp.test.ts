/**
 * Hunts HTTP that the gateway reads in another way than the parser that most of its instances use: every case of
 * llhttp's own tests is taken or refused as its strict mode does, or refused for a reason that is listed here.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { suite, test } from 'node:test';
import { readRequests, readResponse } from '../support/http1-verdict.ts';
import { LLHTTP_FOLDER, llhttpCases, type LlhttpCase } from '../support/llhttp-cases.ts';

const BARE_LF =
  'lines end in CR LF only: who else takes a bare LF is not known (RFC 9112 s. 2.2 lets us refuse)';
const NOT_HTTP = 'the gateway speaks HTTP/1 only';
const CONNECT = 'no tunnels to anywhere: the method is refused';
const CODINGS =
  '"chunked" alone is taken: the gateway drops the field, and another coding would be lost with it';
const STAR = '"*" is for OPTIONS (RFC 9112 s. 3.2.4)';
const FRAGMENT = 'a target has no fragment (RFC 9112 s. 3.2)';
const ZEROES = 'no leading zeros in a length: some readers take them for octal';
const AFTER_CLOSE = 'what follows a last request is thrown away with its connection';

/** What llhttp takes and we do not. */
const STRICTER: Readonly<Record<string, string>> = {
  'request/connection.md: CRLF between requests, explicit `close`': AFTER_CLOSE,
  'request/content-length.md: `Content-Length` with zeroes': ZEROES,
  'request/content-length.md: `Content-Length` with follow-up headers': ZEROES,
  'request/invalid.md: Headers separated by LF': BARE_LF,
  'request/invalid.md: Missing CR between headers': BARE_LF,
  'request/method.md: CONNECT request': CONNECT,
  'request/method.md: CONNECT request with CAPS': CONNECT,
  'request/method.md: CONNECT with body': CONNECT,
  'request/method.md: M-SEARCH request': STAR,
  'request/method.md: SOURCE request with ICE': NOT_HTTP,
  'request/method.md: OPTIONS request with RTSP': NOT_HTTP,
  'request/method.md: ANNOUNCE request with RTSP': NOT_HTTP,
  'request/method.md: PRI request HTTP2': NOT_HTTP,
  'request/sample.md: No HTTP version': 'HTTP/0.9 has no end that a proxy could keep',
  'request/sample.md: Line folding in header value with LF': BARE_LF,
  'request/transfer-encoding.md: POST with `chunked` as last transfer-encoding': CODINGS,
  'request/transfer-encoding.md: POST with `chunked` as last transfer-encoding (multiple headers)': CODINGS,
  'request/uri.md: Fragment in URI': FRAGMENT,
  'request/uri.md: Underscore in hostname': CONNECT,
  'response/invalid.md: Only LFs present and no body': BARE_LF,
  'response/invalid.md: Only LFs present': BARE_LF,
  'response/sample.md: RTSP response': NOT_HTTP,
  'response/sample.md: ICE response': NOT_HTTP,
  'response/sample.md: No carriage ret': BARE_LF,
  'response/sample.md: HTTP version 0.9': NOT_HTTP,
  'response/transfer-encoding.md: `chunked` before other transfer-encoding': CODINGS,
  'response/transfer-encoding.md: multiple transfer-encoding where chunked is not the last one': CODINGS,
  'response/transfer-encoding.md: `chunkedchunked` transfer-encoding does not enable chunked enconding':
    CODINGS,
};

function refusalOf({ message, input }: LlhttpCase): string | undefined {
  const bytes = Buffer.from(input, 'latin1');
  return message === 'request' ? readRequests(bytes, { hostOptional: true }).refusal : readResponse(bytes);
}

const missing = !fs.existsSync(LLHTTP_FOLDER) && 'the cases are not beside the project';

suite('the cases of llhttp', { skip: missing }, () => {
  const cases = missing ? [] : llhttpCases();
  const strict = cases.filter(({ lenient }) => !lenient);

  test('all of them were found', () => {
    assert.ok(strict.length >= 200, `${strict.length} cases`);
    assert.ok(strict.filter(({ refusal }) => refusal).length >= 60, 'too few that llhttp refuses');
  });

  for (const each of strict) {
    test(each.name, () => {
      const refusal = refusalOf(each);
      if (each.refusal !== undefined) assert.ok(refusal, `llhttp refuses it: ${each.refusal}`);
      else if (STRICTER[each.name] === undefined) assert.equal(refusal, undefined);
      else assert.ok(refusal, 'listed as stricter, but it is taken');
    });
  }

  test('nothing is listed that is not there', () => {
    const names = new Set(strict.map(({ name }) => name));
    assert.deepEqual(
      Object.keys(STRICTER).filter((name) => !names.has(name)),
      [],
    );
  });

  test('what llhttp takes only when told to be lenient is refused', () => {
    // Ends of connections, which these two are about, belong to whoever holds the connection.
    const aboutConnections = /lenient-keep-alive|lenient-data-after-close/;
    const taken = cases.filter((each) => each.lenient && !aboutConnections.test(each.name));
    assert.deepEqual(
      taken.filter((each) => refusalOf(each) === undefined).map(({ name }) => name),
      [],
    );
  });
});
