/** Hunts cookies that are read though they are not ours or too old, and sessions that lose what they were. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readToken, sessionAge, type Session, TOKEN_CHARS, unsignedToken } from './session.ts';

const word = (length: number) => fc.stringMatching(new RegExp(`^[A-Za-z0-9_-]{${length}}$`));
const session: fc.Arbitrary<Session> = fc.record(
  {
    id: word(16),
    slot: fc.nat(99),
    issuedAtS: fc.nat(36 ** 7 - 1),
    versionTag: word(8),
    instanceTag: word(8),
  },
  { noNullPrototype: true },
);
const signature = 's'.repeat(22);

test('what was written is what is read, in always the same length', () => {
  fc.assert(
    fc.property(session, (written) => {
      const unsigned = unsignedToken(written);
      const token = unsigned + signature;
      assert.equal(token.length, TOKEN_CHARS);
      assert.deepEqual(readToken(token), { session: written, unsigned, signature });
    }),
  );
});

test('what has another form is none', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.string({ minLength: TOKEN_CHARS, maxLength: TOKEN_CHARS })),
      (text) => {
        assert.equal(readToken(text), undefined);
      },
    ),
  );
});

test('a session is renewed in the second half of its time, and ends after it', () => {
  const at = (ageS: number) =>
    sessionAge({ id: '', slot: 0, issuedAtS: 10_000, versionTag: '', instanceTag: '' }, 10_000 + ageS, 600);
  assert.deepEqual([0, 300, -300, 301, 600, -301, 601].map(at), [
    ...['young', 'young', 'young'],
    ...['to-be-renewed', 'to-be-renewed', 'to-be-renewed'],
    'expired',
  ]);
});
