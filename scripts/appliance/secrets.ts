/** What only the person who installs knows: the operator's password and the database's admin token. */
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';

export interface Secrets {
  readonly operatorPassword: string;
  readonly adminToken: string;
}

const TOKEN_BYTES = 32;
const PASSWORD_BYTES = 15;

export function makeSecrets(): Secrets {
  return {
    operatorPassword: randomBytes(PASSWORD_BYTES).toString('base64url'),
    adminToken: randomBytes(TOKEN_BYTES).toString('base64url'),
  };
}

/** SHA-256 of the token's text in hexadecimal: what the database keeps instead of the token. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** A crypt(5) hash of kind SHA-512. The password goes to `openssl` over its input, not its arguments, which others can see. */
export function passwordHash(password: string): string {
  const { status, stdout, stderr } = spawnSync('openssl', ['passwd', '-6', '-stdin'], {
    input: password,
    encoding: 'utf8',
  });
  if (status !== 0)
    throw new Error(`openssl passwd failed: ${stderr || 'is the Debian package "openssl" installed?'}`);
  return stdout.trim();
}
