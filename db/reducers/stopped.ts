/** Why a reducer does not go on. Part of what is stored, so nothing in it may depend on the machine or the release of V8. */
export type StopKind =
  /** It spent all it had. */
  | 'fuel'
  /** Its calls went too deep. */
  | 'stack'
  /** It did what WebAssembly forbids: an address out of bounds, a division by zero, `unreachable`. */
  | 'trap'
  /** It gave up by itself. */
  | 'abort'
  /** It asked the host for something it may not have, or wrote what is not a row. */
  | 'host';

export class Stopped extends Error {
  readonly kind: StopKind;

  constructor(kind: StopKind, reason: string) {
    super(reason);
    this.kind = kind;
  }
}
