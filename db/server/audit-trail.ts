/**
 * What the server has to say about who came, who was refused and who did what, on its way into the log. Every login, denial
 * and administrative act is told. A flood is summed up instead of being written one by one: beyond a rate, what is alike
 * becomes one entry with a count, each second. Reads are summed up by who, what and minute unless a tenant wants each.
 */
import type { EngineAudit, NewAuditRecord } from '../engine.ts';
import type { TruthError } from '../errors.ts';
import type { ReadsAudited } from '../tenancy/index.ts';
import type { TenantId } from '../types.ts';
import type { Principal } from './session-host.ts';

/** Entries written one by one: so many at once, and so many a second. */
const BURST = 200;
const PER_SECOND = 50;
const SUMMARY_MILLIS = 1000;
const READS_MILLIS = 60_000;
/** Kinds of things told apart in one summary; what comes beyond is counted together. */
const KINDS_MAX = 1000;
const OTHERS = '(others)';

export interface AuditTrailOptions {
  readonly audit: EngineAudit;
  readonly readsAudited: (tenant: TenantId) => ReadsAudited;
  readonly nowMillis: () => number;
  /** One line for each problem. */
  readonly report: (line: string) => void;
}

type Who = Pick<Principal, 'name' | 'tenant'>;
type Told = Omit<NewAuditRecord, 'count'>;

export class AuditTrail {
  readonly #options: AuditTrailOptions;
  /** To be written at the end of the turn. */
  #next: NewAuditRecord[] = [];
  readonly #summary = new Map<string, NewAuditRecord>();
  readonly #reads = new Map<string, NewAuditRecord>();
  readonly #logins = new Map<string, number>();
  readonly #timers: NodeJS.Timeout[];
  #allowance = BURST;
  #allowedAt: number;
  #scheduled = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: AuditTrailOptions) {
    this.#options = options;
    this.#allowedAt = options.nowMillis();
    this.#timers = [
      setInterval(() => this.#write(taken(this.#summary)), SUMMARY_MILLIS).unref(),
      setInterval(() => this.#write(taken(this.#reads)), READS_MILLIS).unref(),
    ];
  }

  login({ name, role, tenant }: Principal, from: string): void {
    this.#tell({
      kind: 'login',
      tenant,
      stream: null,
      who: name,
      what: `${role} from ${from}`,
      outcome: 'done',
    });
  }

  /** A login for a single request: told once a minute. */
  visit(principal: Principal, from: string): void {
    const key = `${principal.tokenId} ${from}`;
    const now = this.#options.nowMillis();
    if (now - (this.#logins.get(key) ?? Number.NEGATIVE_INFINITY) < READS_MILLIS) return;
    if (this.#logins.size >= KINDS_MAX) this.#logins.clear();
    this.#logins.set(key, now);
    this.login(principal, from);
  }

  refusedLogin(tenant: TenantId, from: string): void {
    this.#tell({
      kind: 'refused-login',
      tenant,
      stream: null,
      who: '',
      what: `from ${from}`,
      outcome: 'UNAUTHENTICATED',
    });
  }

  denied({ name, tenant }: Who, what: string): void {
    this.#tell({ kind: 'denied', tenant, stream: null, who: name, what, outcome: 'FORBIDDEN' });
  }

  /** Told, durably, before `act` is done; once more with the error's code if it fails. */
  async act<T>({ name, tenant }: Principal, what: string, act: () => Promise<T>): Promise<T> {
    const told = { kind: 'administered', tenant, stream: null, who: name, what, count: 1 } as const;
    await this.#record([{ ...told, outcome: 'done' }]);
    try {
      return await act();
    } catch (error) {
      const outcome = error instanceof Error && 'code' in error ? String(error.code) : 'INTERNAL';
      await this.#record([{ ...told, outcome }]);
      throw error;
    }
  }

  /** `stream` null: of all of the tenant's. */
  readStream(principal: Principal, stream: string | null): void {
    this.read(principal, stream === null ? 'all streams' : `stream ${stream}`, stream);
  }

  /** An allowed read. `stream` names the stream where it was one. */
  read({ name, tenant }: Who, what: string, stream: string | null): void {
    const audited = this.#options.readsAudited(tenant);
    if (audited === 'off') return;
    const told: Told = { kind: 'read', tenant, stream, who: name, what, outcome: 'done' };
    if (audited === 'every') this.#tell(told);
    else add(this.#reads, told);
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#write([...taken(this.#summary), ...taken(this.#reads)]);
    await this.#writing;
  }

  #tell(told: Told): void {
    const { nowMillis } = this.#options;
    const now = nowMillis();
    this.#allowance = Math.min(BURST, this.#allowance + ((now - this.#allowedAt) / 1000) * PER_SECOND);
    this.#allowedAt = now;
    if (this.#allowance < 1) {
      add(this.#summary, told);
      return;
    }
    this.#allowance -= 1;
    this.#next.push({ ...told, count: 1 });
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#write([]);
    });
  }

  #write(more: readonly NewAuditRecord[]): void {
    const records = [...this.#next, ...more];
    this.#next = [];
    if (records.length === 0) return;
    this.#writing = Promise.all([this.#writing, this.#record(records)]).then(() => {});
  }

  /** What the log cannot take now is summed up and tried again; a copy of somebody else's log has none of its own. */
  async #record(records: readonly NewAuditRecord[]): Promise<void> {
    try {
      await this.#options.audit.record(records);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : null;
      if (code === 'READ_ONLY' || code === 'CLOSED') return;
      this.#options.report(
        `${records.length} audit records could not be written (${error instanceof Error ? error.message : String(error)}); they are summed up and tried again`,
      );
      for (const record of records) add(this.#summary, record, record.count);
    }
  }
}

/** What somebody was refused, in the trail's words. */
export function deniedWhat({ message, details }: TruthError): string {
  const { right } = details;
  return typeof right === 'string' ? right : message;
}

function add(summary: Map<string, NewAuditRecord>, told: Told, count = 1): void {
  const key = keyOf(told);
  const known = summary.get(key);
  if (known !== undefined || summary.size < KINDS_MAX) {
    summary.set(key, { ...told, count: (known?.count ?? 0) + count });
    return;
  }
  const others: Told = { ...told, who: OTHERS, what: OTHERS, stream: null };
  const before = summary.get(keyOf(others));
  summary.set(keyOf(others), { ...others, count: (before?.count ?? 0) + count });
}

function keyOf({ kind, tenant, who, what, outcome }: Told): string {
  return JSON.stringify([kind, tenant, who, what, outcome]);
}

function taken(summary: Map<string, NewAuditRecord>): NewAuditRecord[] {
  const records = [...summary.values()];
  summary.clear();
  return records;
}
