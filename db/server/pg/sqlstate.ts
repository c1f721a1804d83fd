/** Errors as PostgreSQL's protocol carries them: each code of ours has a SQLSTATE where the error brings none itself. */
import type { ErrorCode, TruthError } from '../../errors.ts';

const SQLSTATES: Readonly<Record<ErrorCode, string>> = {
  INVALID_ARGUMENT: '22023',
  WRONG_EXPECTED_REVISION: '40001',
  EVENT_ID_CONFLICT: '23505',
  NOT_FOUND: '42704',
  TOO_LARGE: '54000',
  BUSY: '53000',
  DISK_FULL: '53100',
  WRITER_FAILED: '58030',
  CORRUPT: 'XX001',
  GAP: 'XX001',
  PRUNED: '55000',
  LOCKED: '55006',
  VIEW_AHEAD: '55000',
  UNAUTHENTICATED: '28P01',
  FORBIDDEN: '42501',
  PROTOCOL: '08P01',
  UNSUPPORTED_VERSION: '0A000',
  TIMEOUT: '57014',
  CLOSED: '57P01',
  CONFIG: 'F0000',
  ALREADY_EXISTS: '42710',
  IO: '58030',
  VIEW_UNAVAILABLE: '57P03',
  CONNECTION: '08006',
  INTERNAL: 'XX000',
  FORKED: '55000',
  READ_ONLY: '25006',
  KEY_UNAVAILABLE: '55000',
  QUOTA_EXCEEDED: '53400',
};

function sqlStateOf(error: TruthError): string {
  const { sqlstate } = error.details;
  return typeof sqlstate === 'string' && /^[0-9A-Z]{5}$/.test(sqlstate) ? sqlstate : SQLSTATES[error.code];
}

/** What a person is told beside the message, in PostgreSQL's fields. */
export interface ErrorFields {
  readonly sqlstate: string;
  readonly detail: string | null;
  readonly hint: string | null;
  /** Character of the statement that is to blame, from 1; null where none is. */
  readonly position: number | null;
}

/** Details that have fields of their own, or say the same as the message. */
const SHOWN_ELSEWHERE = new Set([
  'sqlstate',
  'detail',
  'hint',
  'position',
  'at',
  'line',
  'column',
  'construct',
]);

/** `statement`: the text that offsets in the error count in; `before`: what of the client's text lies before it. */
export function errorFields(error: TruthError, statement: string | null, before: string): ErrorFields {
  const { detail, hint } = error.details;
  const rest = Object.entries(error.details).filter(([name]) => !SHOWN_ELSEWHERE.has(name));
  const facts = rest.map(([name, value]) => `${name}: ${value}`).join(', ');
  return {
    sqlstate: sqlStateOf(error),
    detail: typeof detail === 'string' ? detail : facts === '' ? null : facts,
    hint: typeof hint === 'string' ? hint : null,
    position: statement === null ? null : positionOf(error, statement, before),
  };
}

function positionOf(error: TruthError, statement: string, before: string): number | null {
  const { position, at } = error.details;
  const skipped = characters(before);
  if (typeof position === 'number') return skipped + position;
  return typeof at === 'number' ? skipped + characters(statement.slice(0, at)) + 1 : null;
}

/** PostgreSQL counts code points. */
function characters(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
