/** What a connection may ask of the server that holds it. */
import type { Engine } from '../engine.ts';
import type { Welcome } from '../protocol/index.ts';
import type { SqlDatabase } from '../sql/contract.ts';
import { TENANT_DEFAULT, type TenantId } from '../types.ts';
import type { Admission } from './admission.ts';
import type { AuditTrail } from './audit-trail.ts';
import type { Counters } from './counters.ts';
import type { Limits } from './limits.ts';
import type { SideEvaluation } from './side-evaluation.ts';
import type { Role, TokenRecord } from './token-file.ts';
import type { TokenStore } from './tokens.ts';

export interface Principal {
  /** Null for whoever the local socket's file permissions let in. */
  readonly tokenId: string | null;
  readonly name: string;
  readonly role: Role;
  /** Whose data it is about, whatever a request says. */
  readonly tenant: TenantId;
}

export const LOCAL_PRINCIPAL: Principal = {
  tokenId: null,
  name: 'local',
  role: 'operator',
  tenant: TENANT_DEFAULT,
};

export function principalOf({ id, name, role, tenant }: TokenRecord): Principal {
  return { tokenId: id, name, role, tenant };
}

export interface SessionHost {
  readonly engine: Engine;
  /** Tables, and what can be asked about them. */
  readonly sql: SqlDatabase;
  /** Null: there are no files to evaluate from. */
  readonly evaluation: SideEvaluation | null;
  readonly tokens: TokenStore;
  readonly audit: AuditTrail;
  readonly limits: Limits;
  readonly admission: Admission;
  readonly counters: Counters;
  /** Monotonic milliseconds. */
  nowMillis(): number;
  /** The greeting of this server at this moment. */
  welcome(): Omit<Welcome, 'version'>;
  /** State of the server as one JSON object. */
  statusReport(): object;
}
