/** The client's side of SCRAM-SHA-256 (RFC 5802) without channel binding, as PostgreSQL's protocol carries it. */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';

const KEY_BYTES = 32;
/** `n,,` in base64: no channel binding. */
const HEADER = 'biws';

export class ScramLogin {
  readonly #password: string;
  readonly #bare = `n=,r=${randomBytes(18).toString('base64')}`;

  constructor(password: string) {
    this.#password = password;
  }

  first(): string {
    return `n,,${this.#bare}`;
  }

  /** Answers what the server said to the first message. */
  last(challenge: string): string {
    const [, nonce = '', salt = '', iterations = ''] = /^r=(.*),s=(.*),i=(\d+)$/.exec(challenge) ?? [];
    const salted = pbkdf2Sync(
      this.#password,
      Buffer.from(salt, 'base64'),
      Number(iterations),
      KEY_BYTES,
      'sha256',
    );
    const clientKey = hmac(salted, 'Client Key');
    const withoutProof = `c=${HEADER},r=${nonce}`;
    const storedKey = createHash('sha256').update(clientKey).digest();
    const signature = hmac(storedKey, `${this.#bare},${challenge},${withoutProof}`);
    const proof = Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0)));
    return `${withoutProof},p=${proof.toString('base64')}`;
  }
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
