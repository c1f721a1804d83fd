/** What one connection, and all of them together, may take from the server. Every queue here has a number. */

export interface Limits {
  /** Connections at once, HTTP not counted. */
  readonly connectionsMax: number;
  /** Largest frame body taken from an authenticated client, in bytes. */
  readonly bodyBytesMax: number;
  /** Requests of one connection read ahead of their answers. */
  readonly inFlightMax: number;
  /** Bytes of appends under way for all connections together; beyond, connections are not read. */
  readonly inFlightBytesMax: number;
  /** From connect to a valid HELLO. */
  readonly handshakeMillis: number;
  /** From the first byte of a frame to its last. */
  readonly frameMillis: number;
  /** Silence after which the server asks whether the client is still there, and again after which it closes. */
  readonly idleMillis: number;
  /** How long a reader may take nothing while bytes wait for it. */
  readonly stallMillis: number;
  /** Bytes of half-received frames of all connections together. */
  readonly incomingBytesMax: number;
  /** Bytes waiting for slow readers of all connections together; beyond, no new reads are started. */
  readonly outgoingBytesMax: number;
}

/** How often the listener looks at its connections' deadlines. */
export const SWEEP_MILLIS = 250;
