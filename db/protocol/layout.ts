/**
 * Fixed parts of the wire format as tables of fields. Encoders and decoders take their offsets from here, and
 * docs/wire-protocol.md prints the same tables (a test compares them), so none of the three can drift from the others.
 */

export type FieldType = 'u8' | 'u16' | 'u32' | 'u64' | 'f64' | 'id' | 'hash';

const FIELD_BYTES: Readonly<Record<FieldType, number>> = {
  u8: 1,
  u16: 2,
  u32: 4,
  u64: 8,
  f64: 8,
  id: 16,
  hash: 32,
};

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly meaning: string;
}

export interface Layout<Name extends string> {
  readonly title: string;
  readonly fields: readonly Field[];
  /** Offset of each field from the start of the layout, in bytes. */
  readonly at: Readonly<Record<Name, number>>;
  /** Bytes of all fields together. */
  readonly bytes: number;
  /** What follows the fixed fields, in words; empty when nothing does. */
  readonly tail: string;
}

/** Lays fields out one behind the other, without padding. */
export function layout<const Rows extends readonly (readonly [string, FieldType, string])[]>(
  title: string,
  rows: Rows,
  tail = '',
): Layout<Rows[number][0]> {
  const at: Record<string, number> = {};
  let bytes = 0;
  for (const [name, type] of rows) {
    at[name] = bytes;
    bytes += FIELD_BYTES[type];
  }
  const fields = rows.map(([name, type, meaning]) => ({ name, type, meaning }));
  return Object.freeze({
    title,
    fields,
    at: Object.freeze(at) as Record<Rows[number][0], number>,
    bytes,
    tail,
  });
}

/** The layout as a Markdown table, the form in which docs/wire-protocol.md carries it. */
export function layoutTable(of: Layout<string>): string {
  const rows = of.fields.map(
    (field) => `| ${of.at[field.name]} | ${field.type} | ${field.name} | ${field.meaning} |`,
  );
  if (of.tail !== '') rows.push(`| ${of.bytes}+ | bytes | | ${of.tail} |`);
  return ['| off | type | field | meaning |', '|---|---|---|---|', ...rows].join('\n');
}
