/** Numbers of the frames that carry SQL, spoken from version 3 on. A number that was ever released is never reused. */
import { layout } from './layout.ts';

/** Statements kept, and sessions open, for one connection. */
export const SQL_STATEMENTS_MAX = 1000;
export const SQL_SESSIONS_MAX = 64;
/** Parameters of one statement. */
export const SQL_PARAMETERS_MAX = 65_535;
/** A frame of rows is closed once it holds this many bytes; one larger row travels alone. */
export const SQL_ROWS_BYTES_TARGET = 128 * 1024;

const SQL_PREPARE_BODY = layout(
  'SQL_PREPARE',
  [
    [
      'statement',
      'u32',
      'number it is kept under, chosen by the client, not 0; of a number given before the new one counts',
    ],
    ['textBytes', 'u32', 'bytes of the text'],
  ],
  'text: one statement',
);

const SQL_PREPARED_BODY = layout(
  'SQL_PREPARED',
  [
    ['parameters', 'u16', 'number of parameters'],
    ['columns', 'u16', 'number of columns; all ones: the statement returns no rows'],
  ],
  'a type for each parameter, then the columns',
);

const SQL_EXECUTE_BODY = layout(
  'SQL_EXECUTE',
  [
    [
      'session',
      'u32',
      'whose transaction it belongs to, begun with its first use; 0: a transaction of its own',
    ],
    ['statement', 'u32', 'number of a prepared statement; 0: the text is here'],
    ['textBytes', 'u32', 'bytes of the text; 0 with a prepared statement'],
    ['parameters', 'u16', 'number of parameters'],
    ['asOf', 'u8', '0 now, 1 as of a position, 2 as of a moment: only with a text, only for SELECT'],
    ['reserved', 'u8', 'zero'],
    ['at', 'u64', 'the position, or microseconds since 1970-01-01T00:00:00Z; else zero'],
  ],
  'text, then the parameters',
);

const SQL_CLOSE_BODY = layout('SQL_CLOSE', [
  ['what', 'u8', '0 a statement, 1 a session'],
  ['reserved', 'u8', 'zero'],
  ['reserved2', 'u16', 'zero'],
  ['number', 'u32', 'its number; one that is not there is no error'],
]);

export const SQL_COLUMN = layout(
  'Column in SQL_PREPARED and SQL_RESULT',
  [
    ['type', 'u8', 'see the table of SQL types'],
    ['reserved', 'u8', 'zero'],
    ['nameBytes', 'u16', 'bytes of the name; 0 for a parameter, which has none'],
    ['size', 'u32', 'digits of a decimal, characters of a text; all ones: no limit'],
    ['scale', 'u32', 'digits of a decimal behind the point; all ones: as many as a value has'],
  ],
  'name',
);

const SQL_RESULT_BODY = layout(
  'SQL_RESULT',
  [
    [
      'flags',
      'u8',
      'bit 0: the columns come first, as in the first frame of rows; bit 1: the last frame, with tag, count and position; bit 2, from version 5 on and only in the last frame: notices come last',
    ],
    ['reserved', 'u8', 'zero'],
    ['columns', 'u16', 'number of columns'],
    ['rows', 'u32', 'number of rows in this frame'],
    ['count', 'u64', 'in the last frame: rows written or returned'],
    [
      'position',
      'u64',
      'in the last frame: of a write its place in the log, of a read the commit it was answered at',
    ],
    ['tagBytes', 'u16', 'bytes of the tag, which means something in the last frame'],
    ['reserved2', 'u16', 'zero'],
  ],
  'tag, columns, rows: of each row a bit for each column (1: NULL, the first in the lowest bit, whole bytes), then the values; notices: their number as u16, then each',
);
export const SQL_RESULT_COLUMNS = 1;
export const SQL_RESULT_LAST = 2;
export const SQL_RESULT_NOTICES = 4;

export const SQL_NOTICE = layout(
  'Notice in SQL_RESULT',
  [
    ['entries', 'u64', 'entries of the log whose rows are not shown, because they were erased'],
    ['tableBytes', 'u16', 'bytes of the name of the table that they were of'],
    ['erasures', 'u16', 'number of positions'],
    ['messageBytes', 'u32', 'bytes of the message'],
  ],
  'name, message for people, then a u64 for each entry of the log that says they are erased: the first 16',
);

/** Types of values by their number on the wire, with the form of a value that is not NULL. */
export const SQL_TYPES = Object.freeze({
  integer: { wire: 1, form: 'i32' },
  bigint: { wire: 2, form: 'i64' },
  double: { wire: 3, form: 'f64' },
  decimal: { wire: 4, form: 'u32 bytes, then its digits as text' },
  text: { wire: 5, form: 'u32 bytes, then UTF-8' },
  boolean: { wire: 6, form: 'u8, 0 or 1' },
  timestamp: { wire: 7, form: 'i64, microseconds since 1970-01-01 00:00:00' },
  bytes: { wire: 8, form: 'u32 bytes, then the bytes' },
  json: { wire: 9, form: 'u32 bytes, then its text as it was written' },
  uuid: { wire: 10, form: '16 bytes' },
} as const);

/** What a parameter is given as; which type it becomes the statement says. */
export const SQL_GIVEN = Object.freeze({
  null: { wire: 0, form: 'nothing' },
  false: { wire: 1, form: 'nothing' },
  true: { wire: 2, form: 'nothing' },
  integer: { wire: 3, form: 'i32' },
  bigint: { wire: 4, form: 'i64' },
  double: { wire: 5, form: 'f64' },
  text: { wire: 6, form: 'u32 bytes, then UTF-8: read as a value of the parameter’s type' },
  bytes: { wire: 7, form: 'u32 bytes, then the bytes' },
} as const);

/** In the order in which the document shows them. */
export const SQL_LAYOUTS = [
  SQL_PREPARE_BODY,
  SQL_PREPARED_BODY,
  SQL_EXECUTE_BODY,
  SQL_CLOSE_BODY,
  SQL_COLUMN,
  SQL_RESULT_BODY,
  SQL_NOTICE,
] as const;
