/** The closed family of the installer's errors: the code is stable and ends up in logs, on the screen and in tests. */

export const INSTALL_ERROR_CODES = [
  /** A message that is not one, or of another version. */
  'BAD_MESSAGE',
  /** Another console holds the installation. */
  'NOT_DRIVER',
  /** The answer belongs to a page that is no longer shown. */
  'STALE_PAGE',
  /** The page offers no such action, or not now. */
  'NO_SUCH_ACTION',
  /** A field breaks a rule. */
  'BAD_FIELD',
  /** The disk carries a reason against it. */
  'NOT_ELIGIBLE',
  /** No disk chosen, or the chosen one is gone. */
  'NO_DISK',
  /** The confirmation came within the first second of its page. */
  'TOO_EARLY',
  /** What was typed is not what the disk asks for. */
  'WRONG_TOKEN',
  /** The confirmed plan is not the present one. */
  'PLAN_CHANGED',
  /** The disk under the lock is not the disk that was confirmed. */
  'DISK_CHANGED',
  /** Somebody else has the disk open. */
  'DISK_BUSY',
  /** The payload is missing, incomplete or altered. */
  'PAYLOAD_INVALID',
  /** The machine cannot run an installation. */
  'HARDWARE',
  /** A program ended with an error. */
  'PROGRAM_FAILED',
  /** A program or a step went on too long without any progress. */
  'STALLED',
  /** Bytes read back differ from those written. */
  'VERIFY_FAILED',
  /** Reading or writing failed. */
  'IO',
  /** Unattended installation was asked for on a medium that is not made for it. */
  'UNATTENDED_GATE',
  /** No answer, or two. */
  'ANSWER_SOURCE',
  /** The answer breaks its schema. */
  'ANSWER_INVALID',
  /** The answer names no disk, several, or one that must not be erased. */
  'ANSWER_DISK',
  /** An installation is running or done; nothing else can be started. */
  'BUSY',
] as const;

export type InstallErrorCode = (typeof INSTALL_ERROR_CODES)[number];

/** Message says what was given, which rule it breaks and what to do; it never holds a secret. */
export class InstallError extends Error {
  readonly code: InstallErrorCode;

  constructor(code: InstallErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'InstallError';
    this.code = code;
  }
}

/** Any thrown value as one of ours; what the system threw becomes IO. */
export function asInstallError(thrown: unknown): InstallError {
  if (thrown instanceof InstallError) return thrown;
  return new InstallError('IO', thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });
}
