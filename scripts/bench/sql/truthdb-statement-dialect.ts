/** The same load over TruthDB's own protocol: SQL_PREPARE once, then SQL_EXECUTE frames of which key, number and checksum differ. */
import { xxh64Low } from '../../../db/hash/index.ts';
import {
  ByteWriter,
  encodeEmpty,
  encodeHello,
  encodeSqlExecute,
  encodeSqlPrepare,
  FRAME_HEADER,
  FrameReader,
  KIND,
  PROTOCOL_VERSION_MAX,
  PROTOCOL_VERSION_MIN,
} from '../../../db/protocol/index.ts';
import type { Dialect } from '../peers/wire-load.ts';
import { KEY_MARK, type LoadStatement, wrongRows } from './statement.ts';

const { checksum: AT_CHECKSUM, length: AT_LENGTH, request: AT_REQUEST } = FRAME_HEADER.at;
const BODY_BYTES_MAX = 1024 * 1024;
const U32 = 0x1_0000_0000;
const STATEMENT = 1;

export class TruthdbStatementDialect implements Dialect {
  readonly #token: string;
  readonly #statement: LoadStatement;
  readonly #template: Buffer;
  readonly #keyAt: number;
  readonly #reader = new FrameReader(BODY_BYTES_MAX);
  #request = 0;
  #owed: Buffer[] = [];
  #ready = false;

  constructor(token: string, statement: LoadStatement) {
    this.#token = token;
    this.#statement = statement;
    const values = [KEY_MARK, ...statement.others];
    const parameters = values.map((value) => ({ given: 'value', value }) as const);
    this.#template = frame((out) =>
      encodeSqlExecute(out, 1, { session: 0, statement: STATEMENT, parameters, at: { asOf: 'now' } }),
    );
    const mark = Buffer.alloc(8);
    mark.writeBigInt64LE(KEY_MARK);
    this.#keyAt = this.#template.indexOf(mark);
  }

  greeting(): Buffer {
    const versions = { versionMin: PROTOCOL_VERSION_MIN, versionMax: PROTOCOL_VERSION_MAX };
    return frame((out) => encodeHello(out, 1, { ...versions, token: this.#token, name: 'load' }));
  }

  ready(): boolean {
    return this.#ready;
  }

  requests(count: number): Buffer {
    const size = this.#template.length;
    const out = Buffer.allocUnsafe(size * count);
    for (let at = 0; at < out.length; at += size) {
      this.#template.copy(out, at);
      this.#request = (this.#request % (U32 - 2)) + 1;
      out.writeUInt32LE(this.#request, at + AT_REQUEST);
      out.writeBigInt64LE(BigInt(this.#statement.nextKey()), at + this.#keyAt);
      out.writeUInt32LE(xxh64Low(out, at + AT_LENGTH, at + size), at + AT_CHECKSUM);
    }
    return out;
  }

  owed(): Buffer | null {
    if (this.#owed.length === 0) return null;
    const owed = Buffer.concat(this.#owed);
    this.#owed = [];
    return owed;
  }

  answered(chunk: Buffer): number {
    this.#reader.push(chunk);
    let answered = 0;
    while (this.#reader.next()) {
      const { kind, body } = this.#reader;
      if (kind === KIND.SQL_RESULT) {
        // Flags, a reserved byte, columns, then the rows; one frame is the whole answer of a few rows.
        body.bytes(4, 'head');
        const rows = body.u32('rows');
        if (rows !== this.#statement.rows) throw wrongRows('TruthDB', this.#statement, rows);
        answered += 1;
      } else if (kind === KIND.WELCOME) {
        const { text } = this.#statement;
        this.#owed.push(frame((out) => encodeSqlPrepare(out, 1, { statement: STATEMENT, text })));
      } else if (kind === KIND.SQL_PREPARED) this.#ready = true;
      else if (kind === KIND.SERVER_PING) this.#owed.push(frame((out) => encodeEmpty(out, KIND.PONG, 0)));
      else
        throw new Error(
          `TruthDB sent a frame of kind ${kind}: ${Buffer.from(body.bytes(body.remaining, 'rest'))}`,
        );
    }
    return answered;
  }
}

function frame(encode: (out: ByteWriter) => void): Buffer {
  const out = new ByteWriter();
  encode(out);
  return Buffer.from(out.taken());
}
