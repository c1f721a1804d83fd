/** One command on its way into the log: payloads of the final length at first, and the ciphertext once their place is known. */
import { TruthError } from '../errors.ts';
import type { Sequence, TenantId } from '../types.ts';
import type { EntryDraft, EpochBeginning, Preparation } from '../wal/index.ts';
import { seal, TAG_BYTES } from './keys/entry-cipher.ts';
import type { KeyId, KeyRing } from './keys/index.ts';
import {
  associatedData,
  NO_HANDLE,
  SEALED_HEADER_BYTES,
  sealedHeader,
  writeSealedHeader,
} from './sealed-payload.ts';

const FLAG_ENCRYPTED = 1;
/** Of one message: whoever wants one of its entries reads them all. */
const MESSAGE_ENTRIES_MAX = 64;
const MESSAGE_BYTES_MAX = 64 * 1024;

interface Message {
  /** Place of its first entry in the command. */
  readonly at: number;
  readonly tenant: TenantId;
  readonly key: KeyId;
  readonly handle: string;
  readonly subject: string | null;
  readonly entries: EntryDraft[];
  bytes: number;
}

export interface SealingContext {
  readonly logId: Uint8Array;
  readonly ring: KeyRing;
  /** The epoch that is written in. */
  readonly epoch: EpochBeginning;
  /** Who fills the plaintext in; null: it is there. */
  readonly preparation: Preparation | null;
}

export class SealedCommand implements Preparation {
  /** What the log gets. */
  readonly drafts: readonly EntryDraft[];
  readonly #context: SealingContext;
  readonly #messages: readonly Message[];

  /** Makes keys of persons that have none, durably. Errors: KEY_UNAVAILABLE, those of the disk. */
  constructor(
    entries: readonly EntryDraft[],
    context: SealingContext,
    isSealed: (entry: EntryDraft) => boolean,
  ) {
    this.#context = context;
    makeKeys(entries, context.ring, isSealed);
    this.#messages = messagesOf(entries, context.ring, isSealed);
    const drafts = [...entries];
    for (const message of this.#messages) this.#draft(message, drafts);
    this.drafts = drafts;
  }

  /** Payloads of a message share one buffer, which only the log reads, once. */
  #draft(message: Message, drafts: EntryDraft[]): void {
    const { at, tenant, entries, bytes } = message;
    const { ring } = this.#context;
    const count = entries.length;
    const header = sealedHeader({ key: message.key, handle: message.handle, count });
    const slab = new Uint8Array(count * SEALED_HEADER_BYTES + bytes + TAG_BYTES);
    let begin = 0;
    for (let index = 0; index < count; index++) {
      const { type, partitionKey, flags, payload } = entries[index]!;
      const tag = index === count - 1 ? TAG_BYTES : 0;
      const end = begin + SEALED_HEADER_BYTES + payload.length + tag;
      const sealed = slab.subarray(begin, end);
      writeSealedHeader(sealed, header, index);
      drafts[at + index] = {
        ...{ type, tenant, flags: flags | FLAG_ENCRYPTED, payload: sealed },
        partitionKey: ring.partitionKey(tenant, partitionKey),
      };
      begin = end;
    }
  }

  prepare(first: Sequence): void {
    this.#context.preparation?.prepare(first);
    for (const message of this.#messages) this.#seal(message, (first + message.at) as Sequence);
  }

  #seal(message: Message, nonce: Sequence): void {
    const { logId, ring, epoch } = this.#context;
    const { at, tenant, entries } = message;
    const plain = Buffer.allocUnsafe(message.bytes);
    let end = 0;
    for (const { payload } of entries) {
      plain.set(payload, end);
      end += payload.length;
    }
    const bound = entries.map(({ type, payload }) => ({ type, bytes: payload.length }));
    const associated = associatedData(logId, tenant, message, bound);
    const key = ring.entryKey(message.key, epoch.epoch, epoch.random);
    const { sealed, tag } = seal(key, nonce, associated, plain);
    let begin = 0;
    for (let index = 0; index < entries.length; index++) {
      const { length } = entries[index]!.payload;
      const target = this.drafts[at + index]!.payload;
      target.set(sealed.subarray(begin, begin + length), SEALED_HEADER_BYTES);
      begin += length;
      if (index === entries.length - 1) target.set(tag, SEALED_HEADER_BYTES + length);
    }
  }
}

/** Keys of persons who have none: those of a command at once, because each time waits for the disk. */
function makeKeys(
  entries: readonly EntryDraft[],
  ring: KeyRing,
  isSealed: (entry: EntryDraft) => boolean,
): void {
  const handles = new Map<TenantId, Set<string>>();
  for (const entry of entries) {
    const { tenant, subject = null } = entry;
    if (subject === null || !isSealed(entry)) continue;
    const handle = ring.handle(tenant, subject);
    if (ring.subjectKeyOf(tenant, handle) !== null) continue;
    const missing = handles.get(tenant);
    if (missing === undefined) handles.set(tenant, new Set([handle]));
    else missing.add(handle);
  }
  for (const [tenant, missing] of handles) ring.makeSubjectKeys(tenant, missing);
}

function messagesOf(
  entries: readonly EntryDraft[],
  ring: KeyRing,
  isSealed: (entry: EntryDraft) => boolean,
): Message[] {
  const messages: Message[] = [];
  let open: Message | null = null;
  for (const [at, entry] of entries.entries()) {
    if (!isSealed(entry)) {
      open = null;
      continue;
    }
    const subject = entry.subject ?? null;
    if (open === null || !joins(open, entry, subject)) {
      open = newMessage(at, entry, subject, ring);
      messages.push(open);
    }
    open.entries.push(entry);
    open.bytes += entry.payload.length;
  }
  return messages;
}

/** Also entries of one person in one command may share a message: they are erased together. */
function joins(message: Message, { tenant, payload }: EntryDraft, subject: string | null): boolean {
  return (
    message.tenant === tenant &&
    message.subject === subject &&
    message.entries.length < MESSAGE_ENTRIES_MAX &&
    message.bytes + payload.length <= MESSAGE_BYTES_MAX
  );
}

function newMessage(at: number, { tenant }: EntryDraft, subject: string | null, ring: KeyRing): Message {
  const handle = subject === null ? NO_HANDLE : ring.handle(tenant, subject);
  const key = subject === null ? ring.dataKey(tenant) : ring.subjectKey(tenant, handle);
  if (key === null)
    throw new TruthError('KEY_UNAVAILABLE', `tenant ${tenant} was shredded: nothing can be sealed for it`, {
      tenant,
    });
  return { at, tenant, key, handle, subject, entries: [], bytes: 0 };
}
