/** PostgreSQL's frontend protocol 3, as much as repeated executions of one prepared INSERT need. */
import type { Dialect } from './wire-load.ts';

export const PROTOCOL_3 = 196_608;
const BYTEA_OID = 17;
const INSERT_ONE = 'insert into log (data) values ($1::bytea)';
const INSERT_MANY = 'insert into log (data) select unnest($1::bytea[])';
const EMPTY = Buffer.alloc(0);

export interface PostgresLoad {
  readonly user: string;
  readonly database: string;
  /** Rows of one statement. */
  readonly rows: readonly Buffer[];
  /** Statements of one transaction. */
  readonly statements: number;
}

export class PostgresDialect implements Dialect {
  readonly #startup: Buffer;
  readonly #request: Buffer;
  #prepared = false;
  #readyForQuery = 0;
  #rest: Buffer = EMPTY;

  constructor({ user, database, rows, statements }: PostgresLoad) {
    const body = Buffer.from(`user\0${user}\0database\0${database}\0\0`);
    const [row = EMPTY] = rows;
    const one = rows.length === 1;
    // The statement is sent along: the server takes it once it has let us in.
    const parse = message('P', Buffer.from(`insert\0${one ? INSERT_ONE : INSERT_MANY}\0\0\0`, 'binary'));
    this.#startup = Buffer.concat([u32(body.length + 8), u32(PROTOCOL_3), body, parse, message('S', EMPTY)]);
    const execution = [
      message('B', bind(one ? row : binaryArray(rows))),
      message('E', Buffer.from('\0\0\0\0\0', 'binary')),
    ];
    const executions = Array.from({ length: statements }, () => execution).flat();
    this.#request = Buffer.concat([...executions, message('S', EMPTY)]);
  }

  greeting(): Buffer {
    return this.#startup;
  }

  ready(): boolean {
    return this.#prepared;
  }

  requests(count: number): Buffer {
    return count === 1 ? this.#request : Buffer.concat(Array.from({ length: count }, () => this.#request));
  }

  owed(): null {
    return null;
  }

  answered(chunk: Buffer): number {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    let answered = 0;
    while (bytes.length - at >= 5) {
      const end = at + 1 + bytes.readUInt32BE(at + 1);
      if (end > bytes.length) break;
      const kind = String.fromCharCode(bytes[at] ?? 0);
      if (kind === 'E')
        throw new Error(`PostgreSQL: ${bytes.toString('utf8', at + 5, end).replaceAll('\0', ' ')}`);
      if (kind === 'Z') answered += this.#isAnswer() ? 1 : 0;
      at = end;
    }
    this.#rest = bytes.subarray(at);
    return answered;
  }

  /** The first is the end of the start, the second that of preparing. */
  #isAnswer(): boolean {
    this.#readyForQuery += 1;
    if (this.#readyForQuery === 2) this.#prepared = true;
    return this.#readyForQuery > 2;
  }
}

function bind(parameter: Buffer): Buffer {
  // Unnamed portal, statement "insert", one parameter in binary, results as text.
  const head = Buffer.from('\0insert\0\0\x01\0\x01\0\x01', 'binary');
  return Buffer.concat([head, u32(parameter.length), parameter, Buffer.from('\0\0', 'binary')]);
}

/** One-dimensional array of bytea without nulls in PostgreSQL's binary form. */
function binaryArray(values: readonly Buffer[]): Buffer {
  const head = [u32(1), u32(0), u32(BYTEA_OID), u32(values.length), u32(1)];
  return Buffer.concat([...head, ...values.flatMap((value) => [u32(value.length), value])]);
}

export function message(kind: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(kind), u32(body.length + 4), body]);
}

export function u32(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value);
  return out;
}
