/** A property that did not hold. */
export type Property =
  /** Everything acknowledged as durable is there after any end. */
  | 'acknowledged is kept'
  /** What is there is a prefix of what was issued: nothing invented, changed, reordered or torn apart. */
  | 'prefix of the issued'
  /** The bytes are those of docs/wal-format.md, chain included. */
  | 'the chain verifies'
  /** Views hold what replay from zero gives. */
  | 'views equal replay'
  | 'snapshots are whole'
  /** A database that may start does. */
  | 'starts'
  /** Calls answer as documented. */
  | 'answers';

export class Violation extends Error {
  readonly property: Property;

  constructor(property: Property, message: string, cause?: unknown) {
    super(message, { cause });
    this.property = property;
  }
}
