/**
 * One prepared statement over PostgreSQL's protocol, repeated with another key each time: for PostgreSQL and for TruthDB the
 * same bytes. A request is Bind, Execute and Sync, made once; only the eight bytes of its key are written for each.
 */
import { message, PROTOCOL_3, u32 } from '../peers/postgres-dialect.ts';
import type { Dialect } from '../peers/wire-load.ts';
import { ScramLogin } from './scram-login.ts';
import { KEY_MARK, type LoadStatement, wrongRows } from './statement.ts';

const EMPTY = Buffer.alloc(0);
const NAME = 'load';
const AUTHENTICATION = { ok: 0, sasl: 10, challenge: 11, final: 12 } as const;
const MECHANISM = 'SCRAM-SHA-256';

export interface PgLogin {
  readonly user: string;
  readonly database: string;
  /** Used where the server asks for SCRAM. */
  readonly password: string;
}

export class PgStatementDialect implements Dialect {
  readonly #login: PgLogin;
  readonly #statement: LoadStatement;
  readonly #scram: ScramLogin;
  readonly #request: Buffer;
  readonly #keyAt: number;
  #owed: Buffer[] = [];
  #state: 'greeting' | 'preparing' | 'ready' = 'greeting';
  #rest: Buffer = EMPTY;
  /** Of the answer that is being read. */
  #rows = 0;

  constructor(login: PgLogin, statement: LoadStatement) {
    this.#login = login;
    this.#statement = statement;
    this.#scram = new ScramLogin(login.password);
    const values = [
      i64(KEY_MARK),
      ...statement.others.map((each) => (typeof each === 'bigint' ? i64(each) : Buffer.from(each))),
    ];
    const execute = message('E', Buffer.alloc(5));
    this.#request = Buffer.concat([message('B', bind(values)), execute, message('S', EMPTY)]);
    this.#keyAt = this.#request.indexOf(i64(KEY_MARK));
  }

  greeting(): Buffer {
    const { user, database } = this.#login;
    const body = Buffer.from(`user\0${user}\0database\0${database}\0\0`);
    return Buffer.concat([u32(body.length + 8), u32(PROTOCOL_3), body]);
  }

  ready(): boolean {
    return this.#state === 'ready';
  }

  requests(count: number): Buffer {
    const size = this.#request.length;
    const out = Buffer.allocUnsafe(size * count);
    for (let at = 0; at < out.length; at += size) {
      this.#request.copy(out, at);
      out.writeBigInt64BE(BigInt(this.#statement.nextKey()), at + this.#keyAt);
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
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    let answered = 0;
    while (bytes.length - at >= 5) {
      const end = at + 1 + bytes.readUInt32BE(at + 1);
      if (end > bytes.length) break;
      answered += this.#take(bytes[at] ?? 0, bytes.subarray(at + 5, end));
      at = end;
    }
    this.#rest = bytes.subarray(at);
    return answered;
  }

  /** Returns 1 when this ends an answer. */
  #take(kind: number, body: Buffer): number {
    switch (kind) {
      case KIND.error:
        throw new Error(`the server refused: ${body.toString('utf8').replaceAll('\0', ' ').trim()}`);
      case KIND.authentication:
        this.#authenticate(body);
        return 0;
      case KIND.row:
        this.#rows += 1;
        return 0;
      case KIND.ready:
        return this.#isAnswer() ? 1 : 0;
      default:
        return 0;
    }
  }

  #authenticate(body: Buffer): void {
    const step = body.readUInt32BE(0);
    const text = body.toString('latin1', 4);
    if (step === AUTHENTICATION.ok || step === AUTHENTICATION.final) return;
    if (step === AUTHENTICATION.challenge) this.#owed.push(message('p', Buffer.from(this.#scram.last(text))));
    else if (step === AUTHENTICATION.sasl && text.split('\0').includes(MECHANISM)) {
      const first = Buffer.from(this.#scram.first());
      this.#owed.push(message('p', Buffer.concat([Buffer.from(`${MECHANISM}\0`), u32(first.length), first])));
    } else throw new Error(`the server wants another kind of login (${step}) than trust or ${MECHANISM}`);
  }

  /** The first ends the login, the second the preparation. */
  #isAnswer(): boolean {
    if (this.#state === 'greeting') {
      const parse = Buffer.from(`${NAME}\0${this.#statement.text}\0\0\0`);
      this.#owed.push(message('P', parse), message('S', EMPTY));
      this.#state = 'preparing';
      return false;
    }
    if (this.#state === 'preparing') {
      this.#state = 'ready';
      return false;
    }
    const rows = this.#rows;
    this.#rows = 0;
    if (rows !== this.#statement.rows) throw wrongRows('the server', this.#statement, rows);
    return true;
  }
}

const KIND = { error: 0x45, authentication: 0x52, row: 0x44, ready: 0x5a } as const;

/** Unnamed portal, all parameters binary, results as text: what drivers ask for. */
function bind(values: readonly Buffer[]): Buffer {
  const fields = values.flatMap((value) => [u32(value.length), value]);
  return Buffer.concat([
    Buffer.from(`\0${NAME}\0`),
    Buffer.from([0, 1, 0, 1]),
    Buffer.from([values.length >> 8, values.length & 0xff]),
    ...fields,
    Buffer.from([0, 0]),
  ]);
}

function i64(value: bigint): Buffer {
  const out = Buffer.alloc(8);
  out.writeBigInt64BE(value);
  return out;
}
