/** PostgreSQL's protocol on a port of its own, for a test, and psql as a process that talks to it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { RealDisk } from '../../../db/io/index.ts';
import { AuditTrail } from '../../../db/server/audit-trail.ts';
import { makeCertificate } from '../../../db/server/certificate.ts';
import { Counters } from '../../../db/server/counters.ts';
import { PgListener } from '../../../db/server/pg/index.ts';
import type { PgLimits } from '../../../db/server/pg/pg-host.ts';
import { TokenStore } from '../../../db/server/tokens.ts';
import type { SqlDatabase } from '../../../db/sql/contract.ts';
import type { NewAuditRecord } from '../../../db/tenancy/index.ts';
import { TENANT_DEFAULT, type TenantId } from '../../../db/types.ts';
import { MemoryEngine } from './memory-engine.ts';
import { MemorySql } from './memory-sql.ts';
import { temporaryDirectory } from './serving.ts';

const LIMITS: PgLimits = {
  connectionsMax: 50,
  bodyBytesMax: 1024 * 1024,
  handshakeMillis: 3000,
  frameMillis: 2000,
  stallMillis: 2000,
  idleMillis: 0,
};

export interface PgServing {
  readonly listener: PgListener;
  readonly database: SqlDatabase;
  readonly tokens: TokenStore;
  readonly counters: Counters;
  /** What the audit trail was told, as it is written to it. */
  readonly audited: readonly NewAuditRecord[];
  readonly port: number;
  /** PEM of the certificate it shows. */
  readonly certificate: string;
  /** Of the token `admin`. */
  readonly password: string;
  /** What node-postgres connects with. */
  readonly client: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly password: string;
    readonly database: string;
    readonly ssl: { readonly ca: string } | false;
  };
}

/** Stops when the test is over. Databases: `truthdb`, and `other` for tenant 7. */
export async function servePg<Database extends SqlDatabase = MemorySql>(
  options: { readonly limits?: Partial<PgLimits>; readonly tls?: boolean; readonly database?: Database } = {},
): Promise<PgServing & { readonly database: Database }> {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'metadata'));
  const tokens = new TokenStore(new RealDisk(), join(directory, 'metadata', 'tokens.json'), randomBytes);
  const admin = {
    name: 'admin',
    role: 'operator',
    tenant: TENANT_DEFAULT,
    hash: null,
    expiresAt: null,
  } as const;
  const password = tokens.create(admin, new Date()).token as string;
  const certificate = makeCertificate(['localhost', '127.0.0.1'], randomBytes);
  const database = (options.database ?? new MemorySql()) as Database;
  const counters = new Counters();
  const trail = new MemoryEngine();
  const tls = options.tls ?? true;
  const databases: Readonly<Record<string, TenantId>> = { truthdb: TENANT_DEFAULT, other: 7 as TenantId };
  const listener = new PgListener({
    host: '127.0.0.1',
    port: 0,
    certificate,
    tls,
    database,
    tokens,
    tenantOf: (name) => databases[name] ?? null,
    limits: { ...LIMITS, ...options.limits },
    counters,
    audit: new AuditTrail({
      ...{ audit: trail.audit, readsAudited: () => 'off', nowMillis: () => 0 },
      report: () => {},
    }),
  });
  await listener.listen();
  onTestFinished(async () => {
    await listener.close(500);
    rmSync(directory, { recursive: true, force: true });
  });
  const { port } = listener;
  const ssl = tls ? { ca: certificate.certificatePem } : (false as const);
  const client = { host: '127.0.0.1', port, user: 'admin', password, database: 'truthdb', ssl };
  return {
    listener,
    database,
    tokens,
    counters,
    audited: trail.audited,
    port,
    certificate: certificate.certificatePem,
    password,
    client,
  };
}

export interface PsqlRan {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface PsqlOptions {
  readonly args?: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
  /** Errors among the results, as on a terminal, and what was done said too. */
  readonly merged?: boolean;
}

/** Runs psql without anybody's settings; `input` are commands, as in a file. */
export async function psql(
  serving: { readonly port: number; readonly password: string },
  input: string,
  more: PsqlOptions = {},
): Promise<PsqlRan> {
  const child = startPsql(serving, more);
  child.stdin?.end(input);
  return finished(child);
}

export function startPsql(
  { port, password }: { readonly port: number; readonly password: string },
  more: PsqlOptions = {},
): ChildProcess {
  const args = ['--no-psqlrc', ...(more.merged === true ? [] : ['--quiet']), ...(more.args ?? [])];
  const [program, words] =
    more.merged === true ? ['sh', ['-c', 'exec psql "$@" 2>&1', 'psql', ...args]] : ['psql', args];
  return spawn(program, words, {
    stdio: 'pipe',
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: '/nonexistent',
      LC_ALL: 'C.UTF-8',
      PGHOST: '127.0.0.1',
      PGPORT: String(port),
      PGUSER: 'admin',
      PGPASSWORD: password,
      PGDATABASE: 'truthdb',
      PGSSLMODE: 'require',
      PGCONNECT_TIMEOUT: '20',
      ...more.environment,
    },
  });
}

export async function finished(child: ChildProcess): Promise<PsqlRan> {
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    out += chunk;
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    err += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out, err };
}
