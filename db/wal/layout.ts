/** Describes a fixed binary layout once, so that offsets, sizes and the documentation's tables come from one place. */

export type FieldType = 'u16' | 'u32' | 'u64' | `bytes ${number}`;

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly offset: number;
  readonly size: number;
  readonly meaning: string;
}

export interface Layout<Name extends string> {
  readonly title: string;
  readonly size: number;
  readonly at: Readonly<Record<Name, number>>;
  readonly fields: readonly Field[];
}

/** Lays fields one after the other. Each must fall on its own alignment: a misplaced field is a mistake, not padding. */
export function layout<const Fields extends Record<string, readonly [FieldType, string]>>(
  title: string,
  definition: Fields,
): Layout<keyof Fields & string> {
  const fields: Field[] = [];
  let offset = 0;
  for (const [name, [type, meaning]] of Object.entries(definition)) {
    const size = fieldSize(type);
    const alignment = type.startsWith('bytes') ? 8 : size;
    if (offset % alignment !== 0)
      throw new Error(`${title}: ${name} at ${offset} is not aligned to ${alignment}`);
    fields.push({ name, type, offset, size, meaning });
    offset += size;
  }
  const at = Object.fromEntries(fields.map((field) => [field.name, field.offset]));
  return { title, size: offset, at: at as Record<keyof Fields & string, number>, fields };
}

function fieldSize(type: FieldType): number {
  const sizes: Readonly<Record<string, number>> = { u16: 2, u32: 4, u64: 8 };
  return sizes[type] ?? Number(type.slice('bytes '.length));
}

/** Reads a u64 that is known to be a count or position: anything past 2^53 becomes Infinity, which no check accepts. */
export function readCount(view: DataView, offset: number): number {
  const high = view.getUint32(offset + 4, true);
  return high >= 0x20_0000 ? Number.POSITIVE_INFINITY : high * 0x1_0000_0000 + view.getUint32(offset, true);
}

export function writeCount(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value % 0x1_0000_0000, true);
  view.setUint32(offset + 4, Math.floor(value / 0x1_0000_0000), true);
}
