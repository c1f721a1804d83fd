/**
 * The view of all tenants: names, quotas, placement, names of keys, what was erased, how much is stored. The database cannot
 * decide without it. It is small and kept as plain objects; a checkpoint is one JSON document.
 */
import { createHash } from 'node:crypto';
import { TruthError } from '../errors.ts';
import { KERNEL_ENTRY } from '../kernel/entry-types.ts';
import type { CheckpointReader, CheckpointWriter, Materializer, ViewCommit } from '../materializer/index.ts';
import { type Sequence, TENANT_DEFAULT, type TenantId } from '../types.ts';
import type { LogEntry } from '../wal/log.ts';
import { decodeErasure, type Erasure } from './erasure-entry.ts';
import { decodeSubjectStream } from './subject-entry.ts';
import {
  decodeTenantChange,
  NO_QUOTA,
  type ReadsAudited,
  type TenantChange,
  type TenantQuota,
} from './tenant-entry.ts';

export interface TenantRecord {
  readonly id: TenantId;
  /** After it was shredded, another tenant may have the name. */
  readonly name: string;
  readonly state: 'active' | 'suspended' | 'shredded';
  readonly partition: number;
  /** Name of the key that what is written now is sealed under; null: it is not sealed. */
  readonly key: string | null;
  readonly quota: TenantQuota;
  readonly readsAudited: ReadsAudited;
  /** Bytes of payloads and entries, erased ones not counted. */
  readonly bytes: number;
  readonly entries: number;
}

/** An erasure with its place. */
export type RecordedErasure = Erasure & { readonly tenant: TenantId; readonly position: Sequence };

type Stored = { -readonly [Field in keyof TenantRecord]: TenantRecord[Field] };

interface Content {
  readonly tenants: readonly TenantRecord[];
  readonly erasures: readonly RecordedErasure[];
  readonly subjects: readonly (readonly [TenantId, string, string])[];
}

export class TenantDirectory implements Materializer {
  readonly #tenants = new Map<TenantId, Stored>();
  readonly #erasures: RecordedErasure[] = [];
  /** Of each tenant the subject by stream. */
  readonly #subjects = new Map<TenantId, Map<string, string>>();
  /** The one that was counted last: entries of one tenant follow each other. */
  #counted: Stored;

  constructor() {
    this.#counted = newTenant(TENANT_DEFAULT, 'default');
    this.#tenants.set(TENANT_DEFAULT, this.#counted);
  }

  /** By number, shredded ones too. */
  list(): readonly TenantRecord[] {
    return [...this.#tenants.values()].sort((a, b) => a.id - b.id);
  }

  get(id: TenantId): TenantRecord | null {
    return this.#tenants.get(id) ?? null;
  }

  /** One that is not shredded, or null. */
  byName(name: string): TenantRecord | null {
    for (const tenant of this.#tenants.values()) {
      if (tenant.name === name && tenant.state !== 'shredded') return tenant;
    }
    return null;
  }

  /** Never used by any tenant before. */
  get nextId(): TenantId {
    return (Math.max(...this.#tenants.keys()) + 1) as TenantId;
  }

  get erasures(): readonly RecordedErasure[] {
    return this.#erasures;
  }

  /** Whom a stream is about, or null. */
  subjectOf(tenant: TenantId, stream: string): string | null {
    return this.#subjects.get(tenant)?.get(stream) ?? null;
  }

  onCommit(commit: ViewCommit): void {
    for (const entry of commit.entries) {
      const { tenant, payload } = entry;
      const counted = tenant === this.#counted.id ? this.#counted : this.#count(tenant);
      counted.bytes += payload.length;
      counted.entries += 1;
      if (entry.type !== KERNEL_ENTRY.event) this.evolve(entry);
    }
  }

  #count(id: TenantId): Stored {
    let tenant = this.#tenants.get(id);
    if (tenant === undefined) {
      tenant = newTenant(id, '');
      this.#tenants.set(id, tenant);
    }
    this.#counted = tenant;
    return tenant;
  }

  /** What an entry changes, but for what is counted. */
  evolve({
    type,
    tenant,
    payload,
    sequence,
  }: Pick<LogEntry, 'type' | 'tenant' | 'payload' | 'sequence'>): void {
    if (type === KERNEL_ENTRY.tenant) this.#change(tenant, decodeTenantChange(payload, sequence));
    else if (type === KERNEL_ENTRY.erasure) this.#erase(tenant, decodeErasure(payload, sequence), sequence);
    else if (type === KERNEL_ENTRY.subjectStream) {
      const { stream, subject } = decodeSubjectStream(payload, sequence);
      let streams = this.#subjects.get(tenant);
      if (streams === undefined) {
        streams = new Map();
        this.#subjects.set(tenant, streams);
      }
      streams.set(stream, subject);
    }
  }

  #change(id: TenantId, change: TenantChange): void {
    const tenant = this.#count(id);
    if (change.change === 'created') {
      const { name, partition, key } = change;
      Object.assign(tenant, { name, partition, key });
    } else if (change.change === 'renamed') tenant.name = change.name;
    else if (change.change === 'limited') tenant.quota = change.quota;
    else if (change.change === 'suspended') tenant.state = 'suspended';
    else if (change.change === 'resumed') tenant.state = 'active';
    else if (change.change === 'key') tenant.key = change.key;
    else tenant.readsAudited = change.audited;
  }

  #erase(id: TenantId, erasure: Erasure, position: Sequence): void {
    this.#erasures.push({ ...erasure, tenant: id, position });
    if (erasure.of === 'tenant') this.#count(id).state = 'shredded';
  }

  checkpoint(writer: CheckpointWriter): void {
    const text = this.#text();
    // A part of a name is never written again, so the name says what is in it.
    const name = createHash('sha256').update(text).digest('hex').slice(0, 32);
    writer.part(`tenants-${name}`, () => [Buffer.from(text)]);
  }

  restore(reader: CheckpointReader): void {
    const [name, ...more] = reader.parts;
    if (name === undefined || more.length > 0)
      throw new TruthError('CORRUPT', `the tenants lie in ${reader.parts.length} parts instead of one`);
    const { tenants, erasures, subjects } = JSON.parse(Buffer.from(reader.read(name)).toString()) as Content;
    for (const tenant of tenants) this.#tenants.set(tenant.id, { ...tenant });
    this.#counted = this.#tenants.get(TENANT_DEFAULT)!;
    this.#erasures.push(...erasures);
    for (const [tenant, stream, subject] of subjects) {
      const streams = this.#subjects.get(tenant) ?? new Map<string, string>();
      this.#subjects.set(tenant, streams.set(stream, subject));
    }
  }

  digest(): string {
    return createHash('sha256').update(this.#text()).digest('hex');
  }

  #text(): string {
    const content: Content = {
      tenants: this.list(),
      erasures: this.#erasures,
      subjects: [...this.#subjects]
        .sort(([a], [b]) => a - b)
        .flatMap(([tenant, streams]) =>
          [...streams]
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([stream, subject]) => [tenant, stream, subject] as const),
        ),
    };
    return JSON.stringify(content);
  }
}

function newTenant(id: TenantId, name: string): Stored {
  return {
    ...{ id, name, state: 'active', partition: 0, key: null, quota: NO_QUOTA, readsAudited: 'summary' },
    ...{ bytes: 0, entries: 0 },
  } as Stored;
}
