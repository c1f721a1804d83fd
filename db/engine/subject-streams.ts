/**
 * Which streams are about a person: what the directory has, and over it what was declared and is not applied yet. A stream's
 * first event decides it for good.
 */
import { TruthError } from '../errors.ts';
import { KERNEL_ENTRY } from '../kernel/entry-types.ts';
import type { StreamName } from '../kernel/event.ts';
import type { DecidedEntry } from '../kernel/index.ts';
import { scopedKey } from '../streams/index.ts';
import { encodeSubjectStream, type TenantDirectory } from '../tenancy/index.ts';
import { type CommitOrdinal, SEQUENCE_NONE, type TenantId } from '../types.ts';

const SUBJECT_CHARACTERS_MAX = 256;

export class SubjectStreams {
  readonly #directory: () => TenantDirectory;
  readonly #isEncrypted: (tenant: TenantId) => boolean;
  /** By scopedKey: declared since the directory was last made anew. */
  readonly #declared = new Map<string, string>();

  constructor(directory: () => TenantDirectory, isEncrypted: (tenant: TenantId) => boolean) {
    this.#directory = directory;
    this.#isEncrypted = isEncrypted;
  }

  /**
   * The person a stream's new events are about, or null. `named` is what the request says, `isNew` whether these are the
   * stream's first events. Errors: INVALID_ARGUMENT.
   */
  subjectFor(tenant: TenantId, stream: StreamName, named: string | null, isNew: boolean): string | null {
    if (named === null && !this.#isEncrypted(tenant)) return null;
    if (isNew) {
      if (named !== null) this.#check(tenant, stream, named);
      return named;
    }
    const subject =
      this.#declared.get(scopedKey(tenant, stream)) ?? this.#directory().subjectOf(tenant, stream);
    if (named === null || named === subject) return subject;
    throw new TruthError(
      'INVALID_ARGUMENT',
      `stream "${stream}" is ${subject === null ? 'about nobody' : 'about somebody else'}: whom a stream is about is said with its first event`,
    );
  }

  /** The entry that says so; it goes before the stream's first event. */
  declaration(tenant: TenantId, stream: StreamName, subject: string, partitionKey: bigint): DecidedEntry {
    return {
      ...{ sequence: SEQUENCE_NONE, ordinal: 0 as CommitOrdinal, type: KERNEL_ENTRY.subjectStream, flags: 0 },
      ...{ tenant, partitionKey, payload: encodeSubjectStream({ stream, subject }), subject },
    };
  }

  declared(tenant: TenantId, stream: StreamName, subject: string): void {
    this.#declared.set(scopedKey(tenant, stream), subject);
  }

  forget(): void {
    this.#declared.clear();
  }

  #check(tenant: TenantId, stream: StreamName, subject: string): void {
    if (subject.length === 0 || subject.length > SUBJECT_CHARACTERS_MAX || !subject.isWellFormed()) {
      throw new TruthError(
        'INVALID_ARGUMENT',
        `the subject of stream "${stream}" has ${subject.length} characters; 1 to ${SUBJECT_CHARACTERS_MAX} are needed`,
      );
    }
    if (this.#isEncrypted(tenant)) return;
    throw new TruthError(
      'INVALID_ARGUMENT',
      `stream "${stream}" cannot be about a person: the tenant is not encrypted, so nothing could be erased. Encrypt it first, or leave the subject out`,
      { tenant },
    );
  }
}
