/** A statement about tables: the engine carries it out, this shows the answer as PostgreSQL would. */
import { TruthError } from '../../errors.ts';
import type { ExecuteOptions, SqlColumn, SqlParameter, SqlResult, SqlSession } from '../../sql/contract.ts';
import { formatText, typeOfOid, wireType } from '../../sql/types/index.ts';
import type { Row, SqlType } from '../../sql/types/sql-type.ts';
import { formatBinary, parseBinary } from '../../sql/types/value-binary.ts';
import type { FormatCode } from './client-message.ts';
import { TO_CLIENT } from './constants.ts';
import { invalidText } from './invalid-text.ts';
import type { MessageWriter } from './message-writer.ts';
import type { Answer, BoundValue, Prepared, Stop } from './prepared.ts';
import { formatOf, type ShownColumn } from './replies.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

const WRITES = new Set(['insert', 'update', 'delete']);
/** What has been handed to the log cannot be called back. */
const NO_STOP: ExecuteOptions = {};

/** `parameterTypes`: oids a client has given, 0 where it leaves them open. Errors: what preparing says. */
export function prepareTables(
  session: SqlSession,
  {
    text,
    control,
    defines,
    firstWord,
  }: Pick<Prepared, 'text' | 'control' | 'defines'> & {
    readonly firstWord: string;
  },
  parameterTypes: readonly number[],
): Prepared {
  const statement = session.prepare(text, parameterTypes.map(typeOfOid));
  const { parameters, columns } = statement.description;
  const writes = WRITES.has(firstWord);
  const shown = columns?.map(shownColumn) ?? null;
  const given = (values: readonly BoundValue[]): SqlParameter[] =>
    values.map((value, index) => parameterOf(value, parameters[index], parameterTypes[index] ?? 0));
  const answerOf = (result: SqlResult): Answer => {
    checkSame(result.columns, columns, text);
    return new TableAnswer(result, shown);
  };
  return {
    text,
    of: 'tables',
    control,
    defines,
    // What the client has said of a parameter is what it sends.
    parameterOids: parameters.map((type, index) => parameterTypes[index] || wireType(type).oid),
    columns: shown,
    atOnce: (values) => {
      const result = session.atOnce(statement, given(values));
      return result === null ? null : answerOf(result);
    },
    run: async (values, stop) =>
      answerOf(await session.execute(statement, given(values), writes ? NO_STOP : stop)),
  };
}

/** A statement without parameters whose answer describes itself. */
export async function runTables(session: SqlSession, text: string, stop: Stop): Promise<Answer> {
  const result = await session.execute(text, [], stop);
  return new TableAnswer(result, result.columns?.map(shownColumn) ?? null);
}

/** The client reads rows by what it was told when the statement was prepared. Errors: INVALID_ARGUMENT (0A000). */
function checkSame(
  columns: readonly SqlColumn[] | null,
  described: readonly SqlColumn[] | null,
  text: string,
): void {
  if (columns === described) return;
  const same =
    columns?.length === described?.length &&
    (columns ?? []).every((column, index) => isSame(column, described?.[index]));
  if (same) return;
  throw new TruthError(
    'INVALID_ARGUMENT',
    `the tables have changed since the statement was prepared, and its columns with them; prepare it again: ${text.slice(0, 100)}`,
    { sqlstate: '0A000' },
  );
}

function isSame(left: SqlColumn, right: SqlColumn | undefined): boolean {
  if (right === undefined || left.name !== right.name) return false;
  const [one, other] = [wireType(left.type), wireType(right.type)];
  return one.oid === other.oid && one.modifier === other.modifier;
}

class TableAnswer implements Answer {
  readonly tag: string;
  readonly columns: readonly ShownColumn[] | null;
  readonly notices: readonly string[];
  readonly changed = [];
  readonly #rows: readonly Row[];
  readonly #types: readonly SqlType[];

  constructor(result: SqlResult, columns: readonly ShownColumn[] | null) {
    this.tag = result.tag;
    this.columns = columns;
    this.notices = result.notices?.map(({ message }) => message) ?? [];
    this.#rows = result.rows;
    this.#types = result.columns?.map(({ type }) => type) ?? [];
  }

  get rowCount(): number {
    return this.#rows.length;
  }

  writeRow(out: MessageWriter, row: number, formats: readonly FormatCode[]): void {
    const values = this.#rows[row] as Row;
    const start = out.begin(TO_CLIENT.DATA_ROW);
    out.i16(this.#types.length);
    // By index: an iterator here costs as much as writing a small value does.
    for (let index = 0; index < this.#types.length; index++) {
      const type = this.#types[index] as SqlType;
      const value = values[index] ?? null;
      if (value === null) out.fieldNull();
      else if (formatOf(formats, index) === 0) out.fieldText(formatText(type, value));
      else out.fieldBytes(formatBinary(type, value));
    }
    out.end(start);
  }
}

function shownColumn({ name, type }: SqlColumn): ShownColumn {
  return { name, ...wireType(type) };
}

function parameterOf({ bytes, format }: BoundValue, type: SqlType | undefined, oid: number): SqlParameter {
  if (bytes === null) return { given: 'text', text: null };
  if (format === 0) return { given: 'text', text: textOf(bytes) };
  if (type === undefined) throw new TruthError('PROTOCOL', 'a parameter is bound that the statement has not');
  // What the client said of a parameter is the form it sends it in.
  return { given: 'value', value: parseBinary(typeOfOid(oid) ?? type, bytes) };
}

export function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw invalidText(bytes);
  }
}
