/** Names of tables, columns, indexes and constraints: which may be given, and those that are made where none was. */
import { invariant } from '../../kernel/index.ts';
import { refusal } from './refusals.ts';

const NAME_BYTES_MAX = 63;
/** Columns of the system's own begin with it. */
const RESERVED_PREFIX = '_';

/** Throws 42622 where PostgreSQL would cut the name, and 42602 for one of no characters. */
export function checkName(what: string, name: string): void {
  if (name.length === 0) throw refusal('42602', `the name of a ${what} is empty: give 1 to 63 bytes`);
  const bytes = Buffer.byteLength(name);
  if (bytes > NAME_BYTES_MAX) {
    throw refusal(
      '42622',
      `${what} name "${name}" is ${bytes} bytes long, more than ${NAME_BYTES_MAX}: shorten it`,
    );
  }
}

/** Throws as checkName, and 42939 for a name that is kept for columns of the system. */
export function checkColumnName(name: string): void {
  checkName('column', name);
  if (name.startsWith(RESERVED_PREFIX)) {
    throw refusal(
      '42939',
      `column name "${name}" begins with "${RESERVED_PREFIX}", which is kept for columns of the system: choose another first character`,
      { column: name },
    );
  }
}

/**
 * `table_column_suffix`, cut like PostgreSQL's makeObjectName until it fits, with a number behind it where it is taken.
 */
export function madeName(
  table: string,
  middle: string | null,
  suffix: string,
  taken: (name: string) => boolean,
): string {
  for (let number = 0; ; number++) {
    invariant(number < 100_000, 'some name is free');
    const name = fitted(table, middle, number === 0 ? suffix : `${suffix}${number}`);
    if (!taken(name)) return name;
  }
}

function fitted(table: string, middle: string | null, suffix: string): string {
  let [first, second] = [table, middle ?? ''];
  const joints = middle === null ? 1 : 2;
  const room = NAME_BYTES_MAX - joints - Buffer.byteLength(suffix);
  while (Buffer.byteLength(first) + Buffer.byteLength(second) > room) {
    invariant(first.length + second.length > 0, 'what is cut has characters left');
    if (Buffer.byteLength(first) > Buffer.byteLength(second)) first = withoutLast(first);
    else second = withoutLast(second);
  }
  return middle === null ? `${first}_${suffix}` : `${first}_${second}_${suffix}`;
}

/** By whole characters. */
function withoutLast(text: string): string {
  return [...text].slice(0, -1).join('');
}
