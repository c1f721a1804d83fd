import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  makeScramVerifier,
  pretendScramVerifier,
  SCRAM,
  SCRAM_PLUS,
  ScramExchange,
  type ScramOptions,
} from '../../../db/server/scram.ts';

// RFC 7677, section 3: user "user", password "pencil".
const SALT = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
const FIRST = 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO';
const LAST =
  'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=';
/** Base64 of what a nonce is made of; the RFC's is no base64, so its text is put in by hand. */
const RFC_NONCE = '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';

function exchange(more: Partial<ScramOptions> = {}): ScramExchange {
  const verifier = makeScramVerifier('pencil', SALT);
  const random = () => ({ toString: () => RFC_NONCE }) as unknown as Uint8Array;
  return new ScramExchange({ mechanism: SCRAM, verifier, known: true, binding: null, random, ...more });
}

/** Runs with the nonce of the RFC. */
function withRfcNonce<Result>(run: () => Result): Result {
  const from = Buffer.from;
  Buffer.from = ((value: unknown, ...rest: unknown[]) =>
    typeof value === 'object' && String(value) === RFC_NONCE
      ? value
      : (from as (...all: unknown[]) => unknown)(value, ...rest)) as typeof Buffer.from;
  try {
    return run();
  } finally {
    Buffer.from = from;
  }
}

test('the example of RFC 7677 is answered as it says', () => {
  withRfcNonce(() => {
    const login = exchange();
    expect(login.first(FIRST)).toEqual({
      step: 'continue',
      message: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    });
    expect(login.last(LAST)).toEqual({
      step: 'done',
      message: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
    });
  });
});

test('a proof that holds is refused all the same where the name is nobody’s', () => {
  withRfcNonce(() => {
    const login = exchange({ known: false });
    login.first(FIRST);
    expect(login.last(LAST)).toMatchObject({ step: 'refused', why: 'wrong' });
  });
});

test.each([
  ['a wrong proof', LAST.replace('dHzb', 'eHzb'), 'wrong'],
  ['a proof of another length', LAST.replace(/p=.*/, 'p=AAAA'), 'wrong'],
  ['another nonce', LAST.replace('r=rOpr', 'r=xOpr'), 'broken'],
  ['another binding', LAST.replace('c=biws', 'c=eSws'), 'broken'],
  ['no proof', LAST.replace(/,p=.*/, ''), 'broken'],
])('%s is refused', (_what, last, why) => {
  withRfcNonce(() => {
    const login = exchange();
    login.first(FIRST);
    expect(login.last(last)).toMatchObject({ step: 'refused', why });
  });
});

test.each([
  ['a binding that was not offered', { binding: null, mechanism: SCRAM }, 'p=tls-server-end-point,,n=,r=abc'],
  ['no binding where it is needed', { binding: new Uint8Array(32), mechanism: SCRAM_PLUS }, 'n,,n=,r=abc'],
  [
    'an offer of binding that was taken away',
    { binding: new Uint8Array(32), mechanism: SCRAM },
    'y,,n=,r=abc',
  ],
  [
    'another kind of binding',
    { binding: new Uint8Array(32), mechanism: SCRAM_PLUS },
    'p=tls-unique,,n=,r=abc',
  ],
] as const)('%s is refused', (_what, options, first) => {
  expect(exchange(options).first(first)).toMatchObject({ step: 'refused', why: 'broken' });
});

test('a pretended verifier is the same for a name, another for another', () => {
  const secret = Buffer.alloc(32, 7);
  expect(pretendScramVerifier(secret, 'a')).toEqual(pretendScramVerifier(secret, 'a'));
  expect(pretendScramVerifier(secret, 'a').salt).not.toBe(pretendScramVerifier(secret, 'b').salt);
  expect(pretendScramVerifier(secret, 'a').salt).toHaveLength(makeScramVerifier('x', SALT).salt.length);
});

test('whatever is sent, it is refused and never thrown', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (first, last) => {
      const login = exchange({ random: (bytes) => new Uint8Array(bytes) });
      login.first(first);
      expect(login.last(last).step).toBe('refused');
    }),
  );
});
