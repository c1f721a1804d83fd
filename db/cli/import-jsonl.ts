/** Events from JSON lines, as `truthdb read --json` prints them: `{"stream":…,"type":…,"data":…}`. */
import { createHash } from 'node:crypto';
import { TruthError } from '../errors.ts';
import { jsonText, parseJson, parseUuid } from '../protocol/index.ts';
import type { EventDraft } from '../streams/event.ts';
import { uuidFromHash } from './import-id.ts';

export interface ImportedEvent {
  readonly stream: string;
  readonly event: EventDraft;
}

export interface JsonlOptions {
  /** Name of the source: lines without an id get one from it and from everything before them. */
  readonly source: string;
  /** For lines that name none. */
  readonly stream: string | undefined;
  readonly type: string | undefined;
}

/** What `truthdb read --json` adds and an import does not need. */
const IGNORED = new Set(['revision', 'position', 'recordedAt']);
const KNOWN = new Set(['stream', 'type', 'id', 'data', 'dataBase64', 'metadata', 'metadataBase64']);
const LINE_BYTES_MAX = 32 * 1024 * 1024;

/** Errors: INVALID_ARGUMENT naming the line. */
export async function* jsonlEvents(
  input: AsyncIterable<Buffer>,
  options: JsonlOptions,
): AsyncGenerator<ImportedEvent> {
  let chain: Uint8Array = createHash('sha256').update(`truthdb import ${options.source}`).digest();
  let number = 0;
  for await (const line of linesOf(input)) {
    number += 1;
    if (line.trim() === '') continue;
    // The id covers all lines before this one: the same beginning of the same source gives the same ids, so that an
    // import can be repeated and continued; two different sources never share one.
    chain = createHash('sha256').update(chain).update(line).digest();
    yield eventFrom(line, number, chain, options);
  }
}

function eventFrom(line: string, number: number, hash: Uint8Array, options: JsonlOptions): ImportedEvent {
  const where = `line ${number} of ${options.source}`;
  const value = parseJson(line, where);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TruthError('INVALID_ARGUMENT', `${where} is not a JSON object`);
  }
  const fields = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(fields)) {
    if (!KNOWN.has(key) && !IGNORED.has(key)) {
      throw new TruthError(
        'INVALID_ARGUMENT',
        `${where} has the unknown key "${key}"; known are ${[...KNOWN].join(', ')}`,
      );
    }
  }
  const id = text(fields, 'id', where);
  const binary = fields['dataBase64'] !== undefined;
  return {
    stream: required(text(fields, 'stream', where) ?? options.stream, 'stream', where),
    event: {
      id: id === undefined ? uuidFromHash(hash) : parseUuid(id),
      type: required(text(fields, 'type', where) ?? options.type, 'type', where),
      contentType: binary ? 'binary' : 'json',
      data: bytes(fields, 'data', where) ?? Buffer.from('null'),
      metadata: bytes(fields, 'metadata', where) ?? Buffer.alloc(0),
    },
  };
}

function text(fields: Readonly<Record<string, unknown>>, key: string, where: string): string | undefined {
  const value = fields[key];
  if (value === undefined || typeof value === 'string') return value;
  throw new TruthError('INVALID_ARGUMENT', `${where}: "${key}" is not a string`);
}

function bytes(fields: Readonly<Record<string, unknown>>, key: string, where: string): Buffer | undefined {
  const encoded = text(fields, `${key}Base64`, where);
  if (encoded !== undefined) return Buffer.from(encoded, 'base64');
  const value = fields[key];
  return value === undefined ? undefined : Buffer.from(jsonText(value, `${key} of ${where}`));
}

function required(value: string | undefined, key: string, where: string): string {
  if (value !== undefined) return value;
  throw new TruthError(
    'INVALID_ARGUMENT',
    `${where} has no "${key}"; add it, or give --${key} for all lines`,
  );
}

/** Lines of UTF-8, without what ends them. Errors: TOO_LARGE. */
export async function* linesOf(input: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of input) {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      const line = chunk.subarray(start, end);
      yield (rest.length === 0 ? line : Buffer.concat([rest, line])).toString();
      rest = Buffer.alloc(0);
      start = end + 1;
    }
    if (start < chunk.length) rest = Buffer.concat([rest, chunk.subarray(start)]);
    if (rest.length > LINE_BYTES_MAX) {
      throw new TruthError('TOO_LARGE', `a line is longer than ${LINE_BYTES_MAX} bytes; is this JSON lines?`);
    }
  }
  if (rest.length > 0) yield rest.toString();
}
