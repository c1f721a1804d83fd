/** Tells questions about the catalog from statements about tables, and answers them. */
import type { Catalog } from '../../../sql/catalog/catalog.ts';
import type { SqlColumn } from '../../../sql/contract.ts';
import type { Grammar } from '../../../sql/parse/grammar.ts';
import type { TenantId } from '../../../types.ts';
import type { FormatCode } from '../client-message.ts';
import { TO_CLIENT } from '../constants.ts';
import type { MessageWriter } from '../message-writer.ts';
import { type Answer, type BoundValue, NO_ROWS, type Prepared } from '../prepared.ts';
import { formatOf, type ShownColumn } from '../replies.ts';
import { SERVER_VERSION, type SessionSettings } from '../settings.ts';
import type { CatalogAnswers } from './catalog-answers.ts';
import { type CatalogContent, type CatalogValue, catalogContent } from './content.ts';
import { CATALOG_FUNCTIONS } from './functions.ts';
import { everyNode, listOf, namesOf, nodeOf, type ParseNode, textOf } from './parse-node.ts';
import { type CatalogType, catalogRelation } from './relations.ts';
import type { TypedColumn } from './scope.ts';
import { catalogQuery } from './sqlite-text.ts';
import type { SessionValues } from './sqlite-words.ts';

/** Who asks. */
export interface CatalogAsker {
  readonly answers: CatalogAnswers;
  readonly tenant: TenantId;
  readonly database: string;
  readonly user: string;
  readonly process: number;
  readonly settings: SessionSettings;
  readonly catalog: () => Catalog;
  readonly projectionColumns: (name: string) => readonly SqlColumn[];
}

/** One of these in a statement's text, and it is worth a closer look. */
const HINT =
  /\bpg_|information_schema|\breg(class|type|namespace|proc)\b|\bcurrent_(schemas?|database|catalog|user|role|setting)\b|\bsession_user\b|\bversion\b|\bset_config\b|\bhas_\w+_privilege\b|\bformat_type\b|\bto_regclass\b|_description\b/i;
const SESSION_FUNCTIONS = new Set([
  'version',
  'current_database',
  'current_schema',
  'current_schemas',
  'current_user',
  'session_user',
  'pg_backend_pid',
  'inet_server_addr',
  'inet_server_port',
  'inet_client_addr',
  'inet_client_port',
  'pg_my_temp_schema',
  'pg_postmaster_start_time',
]);
const SHAPES: Readonly<Record<CatalogType, Omit<ShownColumn, 'name'>>> = {
  text: { oid: 25, size: -1, modifier: -1 },
  bool: { oid: 16, size: 1, modifier: -1 },
  int2: { oid: 21, size: 2, modifier: -1 },
  int4: { oid: 23, size: 4, modifier: -1 },
  int8: { oid: 20, size: 8, modifier: -1 },
  oid: { oid: 26, size: 4, modifier: -1 },
  float8: { oid: 701, size: 8, modifier: -1 },
};
const TEXT_OID = 25;

export function mayBeAboutCatalog(text: string): boolean {
  return HINT.test(text);
}

/** Whether a SELECT asks relations or functions of the catalog and no table of the tenant's that is named the same. */
function isAboutCatalog(select: ParseNode, catalog: Catalog): boolean {
  if (select.kind !== 'SelectStmt') return false;
  const relations: ParseNode[] = [];
  let usesFunctions = false;
  for (const node of everyNode({ [select.kind]: select.fields })) {
    if (node.kind === 'RangeVar') relations.push(node);
    else if (isCatalogWord(node)) usesFunctions = true;
  }
  const named = relations.some(({ fields }) => isCatalogRelation(fields, catalog));
  return named || (relations.length === 0 && usesFunctions);
}

function isCatalogRelation(fields: ParseNode['fields'], catalog: Catalog): boolean {
  const schema = textOf(fields['schemaname']);
  const name = textOf(fields['relname']);
  if (schema !== '') return schema === 'pg_catalog' || schema === 'information_schema';
  if (catalog.table(name) !== null || catalog.projection(name) !== null) return false;
  return catalogRelation(null, name) !== null;
}

function isCatalogWord({ kind, fields }: ParseNode): boolean {
  if (kind === 'FuncCall') {
    const name = namesOf(fields['funcname']).at(-1) ?? '';
    return SESSION_FUNCTIONS.has(name) || Object.hasOwn(CATALOG_FUNCTIONS, name);
  }
  if (kind === 'SQLValueFunction') return /USER|ROLE|CATALOG|SCHEMA/.test(textOf(fields['op']));
  if (kind !== 'TypeCast') return false;
  return /^reg/.test(namesOf((fields['typeName'] as ParseNode['fields'])['names']).at(-1) ?? '');
}

/** A question that has been read: what it returns, and the way to ask it. */
export interface ReadQuestion {
  readonly columns: readonly TypedColumn[];
  readonly parameters: number;
  readonly ask: (parameters: readonly CatalogValue[]) => Promise<readonly (readonly CatalogValue[])[]>;
}

/** Errors: INVALID_ARGUMENT (0A000, 42P01, 42883). */
export function askCatalog(select: ParseNode, text: string, asker: CatalogAsker): ReadQuestion {
  const { sql, columns } = catalogQuery(select, sessionValues(asker));
  const parameters = parameterCount(select);
  return {
    columns,
    parameters,
    ask: (given) =>
      asker.answers.ask({
        key: contentKey(asker, text),
        content: () => contentFor(asker),
        sql,
        parameters: given.slice(0, parameters),
      }),
  };
}

/** The SELECT in a text that asks about the catalog; null for every other text, also one that is no PostgreSQL. */
export function aboutCatalog(grammar: Grammar, text: string, catalog: () => Catalog): ParseNode | null {
  const answer = grammar.parse(text);
  if (!('tree' in answer)) return null;
  const [first] = listOf(answer.tree['stmts']);
  const node = nodeOf((first as { stmt?: unknown } | undefined)?.stmt);
  return node !== null && isAboutCatalog(node, catalog()) ? node : null;
}

/** As `askCatalog`, for PostgreSQL's protocol. */
export function prepareCatalog(
  select: ParseNode,
  text: string,
  parameterTypes: readonly number[],
  asker: CatalogAsker,
): Prepared {
  const question = askCatalog(select, text, asker);
  const columns = question.columns.map(({ name, type }) => ({ name, ...SHAPES[type] }));
  return {
    text,
    of: 'catalog',
    control: null,
    defines: false,
    parameterOids: Array.from(
      { length: question.parameters },
      (_, index) => parameterTypes[index] || TEXT_OID,
    ),
    columns,
    atOnce: () => null,
    run: async (values) => {
      const given = values.map((value, index) => parameterOf(value, parameterTypes[index] ?? 0));
      return new CatalogAnswer(columns, question.columns, await question.ask(given));
    },
  };
}

/** What a session has set is part of the content only for those who ask for it. */
function contentKey({ tenant, database, user, settings, catalog }: CatalogAsker, text: string): string {
  const set = /setting/i.test(text) ? JSON.stringify([...settings.all()]) : '';
  return JSON.stringify([tenant, database, user, catalog().version, set]);
}

function contentFor(asker: CatalogAsker): CatalogContent {
  const { database, user, settings, projectionColumns } = asker;
  return catalogContent({
    catalog: asker.catalog(),
    database,
    user,
    settings: settings.all(),
    projectionColumns,
  });
}

function parameterCount(select: ParseNode): number {
  let most = 0;
  for (const { kind, fields } of everyNode(select.fields)) {
    if (kind === 'ParamRef') most = Math.max(most, Number(fields['number'] ?? 0));
  }
  return most;
}

/** Text and text-like values as they are; numbers in binary are the integers of two, four and eight bytes. */
function parameterOf({ bytes, format }: BoundValue, oid: number): CatalogValue {
  if (bytes === null) return null;
  const buffer = Buffer.from(bytes);
  const isNumber = [16, 20, 21, 23, 26].includes(oid);
  if (format === 0 || !isNumber) return buffer.toString();
  return buffer.length <= 6 && buffer.length > 0
    ? buffer.readIntBE(0, buffer.length)
    : Number(buffer.readBigInt64BE());
}

function sessionValues({ database, user, process }: CatalogAsker): SessionValues {
  return {
    version: `PostgreSQL ${SERVER_VERSION}`,
    current_database: database,
    current_schema: 'public',
    current_schemas: '{pg_catalog,public}',
    current_user: user,
    session_user: user,
    pg_backend_pid: process,
    inet_server_addr: null,
    inet_server_port: null,
    inet_client_addr: null,
    inet_client_port: null,
    pg_my_temp_schema: 0,
    pg_postmaster_start_time: null,
  };
}

class CatalogAnswer implements Answer {
  readonly tag: string;
  readonly columns: readonly ShownColumn[];
  readonly notices = NO_ROWS.notices;
  readonly changed = NO_ROWS.changed;
  readonly #types: readonly CatalogType[];
  readonly #rows: readonly (readonly CatalogValue[])[];

  constructor(
    columns: readonly ShownColumn[],
    typed: readonly TypedColumn[],
    rows: readonly (readonly CatalogValue[])[],
  ) {
    this.columns = columns;
    this.#types = typed.map(({ type }) => type);
    this.#rows = rows;
    this.tag = `SELECT ${rows.length}`;
  }

  get rowCount(): number {
    return this.#rows.length;
  }

  writeRow(out: MessageWriter, row: number, formats: readonly FormatCode[]): void {
    const start = out.begin(TO_CLIENT.DATA_ROW);
    out.i16(this.#types.length);
    for (const [index, type] of this.#types.entries()) {
      const value = this.#rows[row]?.[index] ?? null;
      if (value === null) out.fieldNull();
      else if (formatOf(formats, index) === 0) out.fieldText(textForm(type, value));
      else out.fieldBytes(binaryForm(type, value));
    }
    out.end(start);
  }
}

function textForm(type: CatalogType, value: CatalogValue): string {
  return type === 'bool' ? (Number(value) === 0 ? 'f' : 't') : String(value);
}

function binaryForm(type: CatalogType, value: CatalogValue): Uint8Array {
  const bytes = Buffer.alloc(type === 'text' ? 0 : SHAPES[type].size);
  const number = Number(value);
  if (type === 'text') return Buffer.from(String(value));
  if (type === 'bool') bytes[0] = number === 0 ? 0 : 1;
  else if (type === 'int8') bytes.writeBigInt64BE(BigInt(Math.trunc(number)));
  else if (type === 'float8') bytes.writeDoubleBE(number);
  else if (type === 'oid') bytes.writeUInt32BE(number >>> 0);
  else bytes.writeIntBE(Math.trunc(number), 0, bytes.length);
  return bytes;
}
