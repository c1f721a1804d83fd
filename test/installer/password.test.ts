import { describe, expect, it } from 'vitest';
import { passwordHashSchema } from '../../installer/appliance-config.ts';
import { hashPassword, passwordWeakness, sha512Crypt } from '../../installer/password.ts';

describe('the hash of a password', () => {
  // Made by crypt(3) of glibc 2.36.
  it.each([
    [
      'correct horse battery',
      'saltsaltsaltsalt',
      100_000,
      'EPuVtG47iGEsoYbCsAg59YqEbBZ.ku4vi9nWMLW4RNJZJgFEBolBkXGAe6PTlW4Zn6QLvWU3pk9I5E3v/hcyA0',
    ],
    [
      '',
      'ab',
      5000,
      'xnh5Qsr2NdbFw1PgdZie7nLON3gv.S.23iQDBqAzkdoXPtDnVSpludXkM5UWybQO3OI7hBj9wHg9Ow6sUWD60/',
    ],
    [
      '\u00fc'.repeat(70),
      'saltstring',
      1000,
      'Rcd8Tmsu6AdueJ4/kA89/SR9kPEGz3i7oc6l7m3ZufYv1JGFhSu6jtMj4QFQrfiBZo176LNER22v/gVevJAC6.',
    ],
  ])('of %j is what libcrypt makes of it', (password, salt, rounds, expected) => {
    expect(sha512Crypt(password, salt, rounds)).toBe(`$6$rounds=${rounds}$${salt}$${expected}`);
  });

  it('has the form the settings ask for, and another salt each time', () => {
    let next = 0;
    const random = (count: number) => Uint8Array.from({ length: count }, () => next++);
    const hashes = [
      hashPassword('correct horse battery', random),
      hashPassword('correct horse battery', random),
    ];
    for (const hash of hashes) expect(passwordHashSchema.safeParse(hash).success).toBe(true);
    expect(hashes[0]).not.toBe(hashes[1]);
  });
});

describe('a password', () => {
  it.each(['correct horse battery', 'Tr0ub4dor&3xx', '\u00fcberm\u00e4\u00dfig gut'])(
    'like %j is accepted',
    (password) => {
      expect(passwordWeakness(password)).toBeUndefined();
    },
  );

  it.each([
    ['', 'at least 12 characters, this has 0'],
    ['short', 'at least 12 characters, this has 5'],
    ['aaaaaaaaaaaabb', 'at least 6 different characters, this has 2'],
    ['abcdefghijklmnop', 'not characters in the order of the alphabet or the keyboard'],
    ['987654321098', 'not characters in the order of the alphabet or the keyboard'],
    ['truthdb12345', 'not a well-known word with a few characters around it'],
    ['correct\u0007horse battery', 'no control characters: they cannot be typed at every console'],
    ['x1'.repeat(200), 'at most 256 characters'],
  ])('like %j is refused: %s', (password, weakness) => {
    expect(passwordWeakness(password)).toBe(weakness);
  });
});
