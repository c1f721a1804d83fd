/**
 * SCRAM-SHA-256 (RFC 5802, RFC 7677) from the server's side, as PostgreSQL's clients speak it: what is stored proves a
 * password without being it, and what crosses the network proves it without being stored. With TLS the client may bind the
 * proof to the server's certificate (RFC 5929, tls-server-end-point), so that nobody between the two can pass it on.
 */
import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';

/** What is kept of a password. */
export interface ScramVerifier {
  /** Base64, as all below. */
  readonly salt: string;
  readonly iterations: number;
  readonly storedKey: string;
  readonly serverKey: string;
}

export const SCRAM = 'SCRAM-SHA-256';
export const SCRAM_PLUS = 'SCRAM-SHA-256-PLUS';
export const SCRAM_SALT_BYTES = 16;
const NONCE_BYTES = 18;
/** PostgreSQL's own number. Passwords here are tokens of 256 random bits: there is nothing to stretch. */
const ITERATIONS = 4096;
const KEY_BYTES = 32;
const MESSAGE_CHARACTERS_MAX = 2048;

/** The password is used as it is: tokens are plain ASCII, which SASLprep (RFC 4013) leaves alone. */
export function makeScramVerifier(password: string, salt: Uint8Array): ScramVerifier {
  const salted = pbkdf2Sync(password, salt, ITERATIONS, KEY_BYTES, 'sha256');
  return {
    salt: Buffer.from(salt).toString('base64'),
    iterations: ITERATIONS,
    storedKey: sha256(hmac(salted, 'Client Key')).toString('base64'),
    serverKey: hmac(salted, 'Server Key').toString('base64'),
  };
}

/**
 * For a name nobody has: looks like a verifier, always the same for the same name, and proves nothing, because nobody knows
 * a password for it.
 */
export function pretendScramVerifier(secret: Uint8Array, name: string): ScramVerifier {
  const of = (what: string) => hmac(secret, `${what}:${name}`);
  return {
    salt: of('salt').subarray(0, SCRAM_SALT_BYTES).toString('base64'),
    iterations: ITERATIONS,
    storedKey: of('stored').toString('base64'),
    serverKey: of('server').toString('base64'),
  };
}

/** Hash of the certificate that a client binds to: SHA-256, which certificates signed with SHA-256 ask for. */
export function endPointBinding(certificateDer: Uint8Array): Uint8Array {
  return sha256(certificateDer);
}

export type ScramStep =
  | { readonly step: 'continue'; readonly message: string }
  | { readonly step: 'done'; readonly message: string }
  /** `wrong`: the proof does not hold. `broken`: the message is none of SCRAM. */
  | { readonly step: 'refused'; readonly why: 'wrong' | 'broken'; readonly reason: string };

export interface ScramOptions {
  readonly mechanism: typeof SCRAM | typeof SCRAM_PLUS;
  readonly verifier: ScramVerifier;
  /** False: the verifier is a pretended one; everything is done as usual and refused in the end. */
  readonly known: boolean;
  /** What the proof is bound to on this connection; null without TLS, where SCRAM-SHA-256-PLUS is not offered. */
  readonly binding: Uint8Array | null;
  readonly random: (bytes: number) => Uint8Array;
}

/** One login: the client's first message, then its last. */
export class ScramExchange {
  readonly #options: ScramOptions;
  #header = '';
  #nonce = '';
  #authenticated = '';

  constructor(options: ScramOptions) {
    this.#options = options;
  }

  /** `n,,n=user,r=nonce` or `p=tls-server-end-point,,n=…`. */
  first(message: string): ScramStep {
    if (message.length > MESSAGE_CHARACTERS_MAX) return broken('the first message is too long');
    const parts = /^(y|n|p=([^,]*)),(?:a=[^,]*)?,((?:n=[^,]*),r=([\x21-\x2b\x2d-\x7e]+))$/.exec(message);
    if (parts === null) return broken('the first message has not the form n,,n=user,r=nonce');
    const [, flag = '', bindingName, bare = '', clientNonce = ''] = parts;
    const problem = this.#bindingProblem(flag, bindingName);
    if (problem !== null) return broken(problem);
    this.#header = message.slice(0, message.length - bare.length);
    const { salt, iterations } = this.#options.verifier;
    this.#nonce = clientNonce + Buffer.from(this.#options.random(NONCE_BYTES)).toString('base64');
    const answer = `r=${this.#nonce},s=${salt},i=${iterations}`;
    this.#authenticated = `${bare},${answer}`;
    return { step: 'continue', message: answer };
  }

  #bindingProblem(flag: string, name: string | undefined): string | null {
    const { mechanism, binding } = this.#options;
    if (mechanism === SCRAM_PLUS) {
      return flag.startsWith('p') && name === 'tls-server-end-point' && binding !== null
        ? null
        : 'SCRAM-SHA-256-PLUS needs the channel binding tls-server-end-point';
    }
    if (flag.startsWith('p')) return 'SCRAM-SHA-256 has no channel binding; SCRAM-SHA-256-PLUS has';
    // The client believes that this server offers no binding, although it did: somebody took the offer away.
    if (flag === 'y' && binding !== null) return 'the offer of channel binding did not reach the client';
    return null;
  }

  /** `c=binding,r=nonce,p=proof`. */
  last(message: string): ScramStep {
    if (message.length > MESSAGE_CHARACTERS_MAX) return broken('the last message is too long');
    const parts = /^(c=([A-Za-z0-9+/=]*),r=([\x21-\x2b\x2d-\x7e]+)),p=([A-Za-z0-9+/=]+)$/.exec(message);
    if (parts === null) return broken('the last message has not the form c=binding,r=nonce,p=proof');
    const [, withoutProof = '', bound = '', nonce = '', proof = ''] = parts;
    if (nonce !== this.#nonce) return broken('the nonce is another one than before');
    if (bound !== this.#expectedBinding())
      return broken('the channel binding is another one than this connection has');
    this.#authenticated += `,${withoutProof}`;
    const signature = this.#signature();
    const proven = this.#proves(Buffer.from(proof, 'base64')) && this.#options.known;
    if (!proven) return { step: 'refused', why: 'wrong', reason: 'the proof does not hold' };
    return { step: 'done', message: `v=${signature.toString('base64')}` };
  }

  #expectedBinding(): string {
    const { mechanism, binding } = this.#options;
    const header = Buffer.from(this.#header);
    const data = mechanism === SCRAM_PLUS && binding !== null ? Buffer.concat([header, binding]) : header;
    return data.toString('base64');
  }

  #proves(proof: Buffer): boolean {
    const stored = Buffer.from(this.#options.verifier.storedKey, 'base64');
    const signature = hmac(stored, this.#authenticated);
    if (proof.length !== signature.length) return false;
    const clientKey = Buffer.from(signature.map((byte, index) => byte ^ (proof[index] as number)));
    return timingSafeEqual(sha256(clientKey), stored);
  }

  #signature(): Buffer {
    return hmac(Buffer.from(this.#options.verifier.serverKey, 'base64'), this.#authenticated);
  }
}

function broken(reason: string): ScramStep {
  return { step: 'refused', why: 'broken', reason };
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
