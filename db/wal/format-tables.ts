/** The format's tables as Markdown, for docs/wal-format.md: printed from the constants that encoder and decoder use. */
import {
  COMMIT,
  COMMIT_BYTES,
  ENTRY_BYTES_DEFAULT,
  ENTRY_BYTES_MAX,
  ENTRY_FLAG,
  ENTRY_FLAGS_FOREIGN,
  ENTRY_FLAGS_RESERVED,
  ENTRY_FOOTER,
  ENTRY_HEADER,
  ENTRY_HEADER_COVERED,
  ENTRY_TYPE,
  ENTRY_TYPE_FIRST_FOREIGN,
  ENTRY_TYPE_MAX,
  EPOCH,
  EPOCH_BYTES,
  EPOCH_REASON,
  FORMAT_VERSION,
  GAP,
  HASH_ALGORITHM,
  SEAL,
  SEAL_BYTES,
  SEGMENT_BYTES_DEFAULT,
  SEGMENT_BYTES_MAX,
  SEGMENT_BYTES_MIN,
  SEGMENT_HEADER,
  SEGMENT_HEADER_BYTES,
  SEGMENT_HEADER_CHECKSUM_AT,
  SEGMENT_STATES,
} from './format.ts';
import type { Field, Layout } from './layout.ts';

/** Each table by the title its layout has. */
export function walTables(): ReadonlyMap<string, string> {
  const header = [...SEGMENT_HEADER.fields, ...headerEnd()];
  return new Map([
    [SEGMENT_HEADER.title, fieldTable(header)],
    ...[ENTRY_HEADER, ENTRY_FOOTER, COMMIT, SEAL, EPOCH, GAP].map(titled),
    ['Constants', constantsTable()],
  ]);
}

function titled(layout: Layout<string>): [string, string] {
  return [layout.title, fieldTable(layout.fields)];
}

/** What the header's layout leaves to its end: zeros and the checksum. */
function headerEnd(): Field[] {
  const gap = SEGMENT_HEADER_CHECKSUM_AT - SEGMENT_HEADER.size;
  return [
    { name: 'zeros', type: `bytes ${gap}`, offset: SEGMENT_HEADER.size, size: gap, meaning: 'Zero, checked' },
    {
      name: 'checksum',
      type: 'u64',
      offset: SEGMENT_HEADER_CHECKSUM_AT,
      size: 8,
      meaning: 'xxHash64, seed 0, of all bytes before it; also the seed of the segment’s entry checksums',
    },
  ];
}

/** Fields as a Markdown table. */
export function fieldTable(fields: readonly Field[]): string {
  const rows = fields.map(
    ({ offset, type, name, meaning }) => `| ${offset} | ${type} | ${name} | ${meaning} |`,
  );
  return ['| off | type | field | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

function constantsTable(): string {
  const rows: readonly (readonly [string, string])[] = [
    ['format version', String(FORMAT_VERSION)],
    ['segment states, in order', SEGMENT_STATES.join(' → ')],
    ['segment header', `${SEGMENT_HEADER_BYTES} bytes`],
    [
      'segment size',
      `${bytes(SEGMENT_BYTES_MIN)} to ${bytes(SEGMENT_BYTES_MAX)}, ${bytes(SEGMENT_BYTES_DEFAULT)} unless chosen`,
    ],
    ['largest payload', `up to ${bytes(ENTRY_BYTES_MAX)}, ${bytes(ENTRY_BYTES_DEFAULT)} unless chosen`],
    [
      'entry header, footer',
      `${ENTRY_HEADER.size} and ${ENTRY_FOOTER.size} bytes; the checksum covers the header’s first ${ENTRY_HEADER_COVERED}`,
    ],
    [
      'entry types',
      `${numbered(ENTRY_TYPE)}; ${ENTRY_TYPE_FIRST_FOREIGN} to ${ENTRY_TYPE_MAX} for the layers above`,
    ],
    [
      'entry flags',
      `${numbered(ENTRY_FLAG)}; mask ${hex(ENTRY_FLAGS_FOREIGN)} for the layers above, ${hex(ENTRY_FLAGS_RESERVED)} zero`,
    ],
    ['whole commit, seal, epoch entries', `${COMMIT_BYTES}, ${SEAL_BYTES} and ${EPOCH_BYTES} bytes`],
    ['chain hashes', `${numbered(HASH_ALGORITHM)} (reserved)`],
    ['epoch reasons', numbered(EPOCH_REASON)],
  ];
  return ['| what | value |', '|---|---|', ...rows.map(([what, value]) => `| ${what} | ${value} |`)].join(
    '\n',
  );
}

function numbered(values: Readonly<Record<string, number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${value} ${name}`)
    .join(', ');
}

function bytes(count: number): string {
  const mebibytes = count / (1024 * 1024);
  return mebibytes >= 1024 ? `${mebibytes / 1024} GiB` : `${mebibytes} MiB`;
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
