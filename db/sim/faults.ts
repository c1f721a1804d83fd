/** What goes wrong with which call: rules made from the seed before the run, asked at every call. */

export type Operation =
  | 'open'
  | 'pread'
  | 'pwrite'
  | 'fdatasync'
  | 'fsync'
  | 'fsyncDirectory'
  | 'allocate'
  | 'truncate'
  | 'rename'
  | 'unlink'
  | 'list'
  | 'mkdir';

export type FaultKind =
  /** The call does nothing and fails; of a sync that means that what it covered is lost to the disk. */
  | 'EIO'
  | 'ENOSPC'
  /** A part is done, then the call fails. */
  | 'short'
  /** The call works and takes two seconds. */
  | 'delay'
  /** The call works and says that it did not. */
  | 'late-EIO'
  /** Power fails, or the process is killed, before the call. */
  | 'stop';

export interface FaultRule {
  readonly fault: FaultKind;
  /** Every operation that changes or reads something when null. */
  readonly operation: Operation | null;
  /** Part of the path that must occur in it; any when empty. */
  readonly path: string;
  /** Matching calls that still go through. */
  readonly after: number;
}

export class Faults {
  #rules: { readonly rule: FaultRule; left: number }[] = [];
  /** Rules that came true, in order. */
  readonly happened: FaultRule[] = [];

  arm(rule: FaultRule): void {
    this.#rules.push({ rule, left: rule.after });
  }

  disarm(): void {
    this.#rules = [];
  }

  /** The fault of this very call, each rule once. */
  next(operation: Operation, path: string): FaultKind | null {
    for (const armed of this.#rules) {
      const { rule } = armed;
      if (rule.operation !== null && rule.operation !== operation) continue;
      if (!path.includes(rule.path)) continue;
      armed.left -= 1;
      if (armed.left >= 0) continue;
      this.#rules = this.#rules.filter((each) => each !== armed);
      this.happened.push(rule);
      return rule.fault;
    }
    return null;
  }
}
