/**
 * Every error the database shows to anybody, in one closed table: the code is the same word on the wire, in HTTP
 * answers, in the CLI and in the docs. A message says what was given, which rule it broke and what to do.
 *
 * `wire` numbers are part of the wire protocol and never reused. `exit` is the CLI's exit status (sysexits.h where one fits).
 */
export const ERROR_CODES = {
  INVALID_ARGUMENT: { wire: 1, http: 400, exit: 64, retry: false },
  WRONG_EXPECTED_REVISION: { wire: 2, http: 409, exit: 3, retry: false },
  EVENT_ID_CONFLICT: { wire: 3, http: 409, exit: 3, retry: false },
  NOT_FOUND: { wire: 4, http: 404, exit: 4, retry: false },
  TOO_LARGE: { wire: 5, http: 413, exit: 65, retry: false },
  BUSY: { wire: 6, http: 503, exit: 75, retry: true },
  DISK_FULL: { wire: 7, http: 507, exit: 74, retry: true },
  WRITER_FAILED: { wire: 8, http: 503, exit: 71, retry: false },
  CORRUPT: { wire: 9, http: 500, exit: 65, retry: false },
  GAP: { wire: 10, http: 410, exit: 65, retry: false },
  PRUNED: { wire: 11, http: 410, exit: 4, retry: false },
  LOCKED: { wire: 12, http: 503, exit: 75, retry: true },
  VIEW_AHEAD: { wire: 13, http: 500, exit: 65, retry: false },
  UNAUTHENTICATED: { wire: 14, http: 401, exit: 77, retry: false },
  FORBIDDEN: { wire: 15, http: 403, exit: 77, retry: false },
  PROTOCOL: { wire: 16, http: 400, exit: 76, retry: false },
  UNSUPPORTED_VERSION: { wire: 17, http: 400, exit: 76, retry: false },
  TIMEOUT: { wire: 18, http: 504, exit: 75, retry: true },
  CLOSED: { wire: 19, http: 503, exit: 75, retry: true },
  CONFIG: { wire: 20, http: 500, exit: 78, retry: false },
  ALREADY_EXISTS: { wire: 21, http: 409, exit: 73, retry: false },
  IO: { wire: 22, http: 500, exit: 74, retry: false },
  VIEW_UNAVAILABLE: { wire: 23, http: 503, exit: 75, retry: true },
  CONNECTION: { wire: 24, http: 502, exit: 69, retry: true },
  INTERNAL: { wire: 25, http: 500, exit: 70, retry: false },
  FORKED: { wire: 26, http: 409, exit: 65, retry: false },
  READ_ONLY: { wire: 27, http: 421, exit: 69, retry: false },
  QUOTA_EXCEEDED: { wire: 28, http: 429, exit: 75, retry: false },
  KEY_UNAVAILABLE: { wire: 29, http: 503, exit: 78, retry: false },
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Facts a program may want beside the message, e.g. `{ actual: 7 }` with WRONG_EXPECTED_REVISION. JSON-safe values only. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null>>;

export class TruthError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TruthError';
    this.code = code;
    this.details = details;
  }

  get retry(): boolean {
    return ERROR_CODES[this.code].retry;
  }
}

/** The error for a wire number; numbers of a newer server become INTERNAL with the number in the details. */
export function errorFromWire(wire: number, message: string, details: ErrorDetails): TruthError {
  for (const [code, row] of Object.entries(ERROR_CODES)) {
    if (row.wire === wire) return new TruthError(code as ErrorCode, message, details);
  }
  return new TruthError('INTERNAL', message, { ...details, wire });
}

/** An error on its way between threads, where it loses its class. */
export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
}

/** What is no TruthError is INTERNAL, with `details` and its stack as the message. */
export function plainError(error: unknown, details: ErrorDetails = {}): PlainError {
  if (error instanceof TruthError)
    return { code: error.code, message: error.message, details: error.details };
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'INTERNAL', message, details };
}

export function errorOf({ code, message, details }: PlainError): TruthError {
  return new TruthError(code, message, details);
}
