/** What a connection of PostgreSQL's protocol may ask of the server that holds it. */
import type { SecureContext } from 'node:tls';
import type { SqlDatabase, SqlIdentity } from '../../sql/contract.ts';
import type { Grammar } from '../../sql/parse/grammar.ts';
import type { AuditTrail } from '../audit-trail.ts';
import type { Counters } from '../counters.ts';
import type { Limits } from '../limits.ts';
import type { TokenRecord } from '../token-file.ts';
import type { CatalogAnswers } from './catalog/index.ts';
import type { LoginHost } from './login.ts';

/** Tells a connection to whoever wants to cancel what it does. */
export interface SessionKey {
  readonly process: number;
  /** Four bytes. */
  readonly secret: Uint8Array;
}

export interface PgLimits
  extends Pick<
    Limits,
    'connectionsMax' | 'bodyBytesMax' | 'handshakeMillis' | 'frameMillis' | 'stallMillis' | 'idleMillis'
  > {
  /** Silence after which a connection is closed; 0: never. Pools keep theirs for as long as they like. */
  readonly idleMillis: number;
}

export interface PgHost {
  readonly database: SqlDatabase;
  readonly grammar: Grammar;
  readonly answers: CatalogAnswers;
  readonly login: LoginHost;
  readonly limits: PgLimits;
  readonly counters: Counters;
  readonly audit: AuditTrail;
  /** Null: connections are not encrypted. `binding`: what a login may be bound to. */
  readonly tls: { readonly context: SecureContext; readonly binding: Uint8Array } | null;
  /** Monotonic milliseconds. */
  nowMillis(): number;
  /** Errors: FORBIDDEN. */
  identityOf(record: TokenRecord): SqlIdentity;
  newKey(): SessionKey;
  /** Nothing happens when no connection has the key. */
  cancel(process: number, secret: Uint8Array): void;
}
