/**
 * One command, one answer (part 1, section 18). Answers are read within bounds and believed in nothing but their shape; a
 * command that the TPM wants to hear again is sent again a few times.
 */
import type { Channel } from '../../../io/index.ts';
import { TpmReader, TpmWriter } from './tpm-bytes.ts';
import { HANDLE, RESPONSE, TAG } from './tpm-codes.ts';
import { errorIn, tpmFailure, tpmUnreachable } from './tpm-failure.ts';

const HEADER_BYTES = 10;
/** What the kernel's device takes and gives at most. */
const ANSWER_BYTES_MAX = 4096;
const TRIES = 20;
const RETRY_MILLIS = 50;

export interface TpmCommand {
  readonly code: number;
  /** What it is asked for, to continue "the TPM refused to". */
  readonly doing: string;
  readonly handles: readonly number[];
  /** What authorizes the use of the first handle: the empty password, a policy's session, or null where nothing has to. */
  readonly authorization: { readonly session: number } | null;
  readonly parameters: Uint8Array;
  /** Whether the answer begins with a handle. */
  readonly givesHandle: boolean;
}

export interface TpmAnswer {
  /** 0 where there is none. */
  readonly handle: number;
  readonly parameters: TpmReader;
}

export const EMPTY_PASSWORD = { session: HANDLE.password } as const;

export class TpmDevice {
  readonly #channel: Channel;
  /** For messages. */
  readonly #name: string;
  readonly #answer = new Uint8Array(ANSWER_BYTES_MAX);

  constructor(channel: Channel, name: string) {
    this.#channel = channel;
    this.#name = name;
  }

  /** The answer is valid until the next command. Errors: KEY_UNAVAILABLE. */
  ask(command: TpmCommand): TpmAnswer {
    const bytes = encode(command);
    try {
      for (let tries = 1; ; tries++) {
        const { response, body, tag } = this.#exchange(bytes);
        if (response === RESPONSE.success) return answerIn(body, tag, command.givesHandle);
        if (!isTransient(response) || tries === TRIES) throw tpmFailure(this.#name, command.doing, response);
        pause(RETRY_MILLIS);
      }
    } finally {
      bytes.fill(0);
    }
  }

  close(): void {
    this.#answer.fill(0);
    this.#channel.close();
  }

  #exchange(bytes: Uint8Array): { tag: number; response: number; body: Uint8Array } {
    const answer = this.#answer.fill(0);
    try {
      this.#channel.write(bytes);
      let have = 0;
      let size = HEADER_BYTES;
      while (have < size) {
        const count = this.#channel.read(answer, have);
        if (count <= 0) throw new Error('it closed the connection in the middle of an answer');
        have += count;
        if (have >= HEADER_BYTES) size = sizeIn(answer);
      }
      if (have > size) throw new Error('it sent more than one answer');
      const header = new TpmReader(answer);
      const [tag, , response] = [header.u16(), header.u32(), header.u32()];
      return { tag, response, body: answer.subarray(HEADER_BYTES, size) };
    } catch (error) {
      throw tpmUnreachable(this.#name, error);
    }
  }
}

function encode({ code, handles, authorization, parameters }: TpmCommand): Uint8Array {
  const body = new TpmWriter();
  for (const handle of handles) body.u32(handle);
  if (authorization !== null) {
    // Session, no nonce, no attributes (a policy's session ends with its use), an empty password or HMAC.
    const area = new TpmWriter().u32(authorization.session).sized(NOTHING).u8(0).sized(NOTHING).bytes();
    body.u32(area.length).raw(area);
  }
  const rest = body.raw(parameters).bytes();
  return new TpmWriter()
    .u16(authorization === null ? TAG.noSessions : TAG.sessions)
    .u32(HEADER_BYTES + rest.length)
    .u32(code)
    .raw(rest)
    .bytes();
}

const NOTHING = new Uint8Array();

function sizeIn(answer: Uint8Array): number {
  const header = new TpmReader(answer);
  const tag = header.u16();
  if (tag !== TAG.noSessions && tag !== TAG.sessions)
    throw new Error(`its answer begins with 0x${tag.toString(16)}: this is no TPM 2.0`);
  const size = header.u32();
  if (size < HEADER_BYTES || size > ANSWER_BYTES_MAX)
    throw new Error(`it says that its answer has ${size} bytes`);
  return size;
}

function answerIn(body: Uint8Array, tag: number, givesHandle: boolean): TpmAnswer {
  const read = new TpmReader(body);
  const handle = givesHandle ? read.u32() : 0;
  if (tag === TAG.noSessions) return { handle, parameters: read };
  return { handle, parameters: new TpmReader(read.raw(read.u32())) };
}

/** The command was not begun: it may be sent again as it is. */
function isTransient(response: number): boolean {
  const error: number = errorIn(response);
  return error === RESPONSE.retry || error === RESPONSE.yielded || error === RESPONSE.testing;
}

/** Opening a database is synchronous, and so is this. */
function pause(millis: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis);
}
