/**
 * The kernel's state of streams: the index at its applied position, and over it what is in flight. Also answers which
 * events of a request are in their stream already, because that takes the same two places and, on a hit, their bytes.
 */
import { TruthError } from '../errors.ts';
import type { EventDraft, StreamName } from '../kernel/event.ts';
import {
  type AppendEvents,
  decodeEvent,
  type EvolvingState,
  idOffset,
  idSource,
  type KernelState,
  type KnownEvent,
  type StreamHead,
} from '../kernel/index.ts';
import type { Sequence, TenantId } from '../types.ts';
import { idHash, seedOf } from './hash.ts';
import { InFlightEvents } from './in-flight-events.ts';
import type { StreamLookup } from './stream-index.ts';
import { StreamKey } from './stream-key.ts';

const NONE_KNOWN: readonly null[] = [];

/** Payload of the event entry at a position, in flight or stable; null when retention has taken it. */
export type ReadPayload = (position: Sequence) => Uint8Array | null;

export class StreamState implements KernelState, EvolvingState {
  readonly #index: () => StreamLookup;
  readonly #inFlight: InFlightEvents;
  readonly #key: StreamKey;
  readonly #read: ReadPayload;
  #idHashes = new Uint32Array(64);
  /** The head asked for last: each decision asks twice. Only an event appended here changes it; becoming applied does not. */
  #asked: { readonly tenant: TenantId; readonly stream: StreamName; readonly head: StreamHead } | null = null;

  constructor(options: {
    readonly logId: Uint8Array;
    readonly index: () => StreamLookup;
    /** Position up to which the index knows everything. */
    readonly applied: () => Sequence;
    readonly read: ReadPayload;
  }) {
    const seed = seedOf(options.logId);
    this.#index = options.index;
    this.#inFlight = new InFlightEvents(seed, options.applied);
    this.#key = new StreamKey(seed);
    this.#read = options.read;
  }

  head(tenant: TenantId, stream: StreamName): StreamHead {
    if (this.#asked?.stream === stream && this.#asked.tenant === tenant) return this.#asked.head;
    const key = this.#key.set(tenant, stream);
    const head = this.#inFlight.head(key) ?? this.#index().head(key);
    this.#asked = { tenant, stream, head };
    return head;
  }

  eventAppended(position: Sequence, tenant: TenantId, payload: Uint8Array): void {
    this.#asked = null;
    this.#inFlight.eventAppended(position, tenant, payload);
  }

  /** The index is another one: what was remembered of it is wrong. */
  forget(): void {
    this.#asked = null;
  }

  /** For each event of the command what its stream has under its id; empty when it has none of them. */
  known(tenant: TenantId, command: AppendEvents): readonly (KnownEvent | null)[] {
    const { stream, events } = command;
    if (this.head(tenant, stream).revision === -1) return NONE_KNOWN;
    const key = this.#key.set(tenant, stream);
    const index = this.#index();
    const hashes = this.#idHashesOf(events, key.hash);
    if (events.length > 1) index.prefetch(hashes, events.length);
    let known: (KnownEvent | null)[] | null = null;
    for (let each = 0; each < events.length; each++) {
      const hash = hashes[each]!;
      const event =
        this.#firstOf(this.#inFlight.candidates(key, hash), stream, events[each]!) ??
        this.#firstOf(index.candidates(key, hash), stream, events[each]!);
      if (event === null) continue;
      known ??= new Array<KnownEvent | null>(events.length).fill(null);
      known[each] = event;
    }
    return known ?? NONE_KNOWN;
  }

  #idHashesOf(events: readonly EventDraft[], streamHash: number): Uint32Array {
    if (events.length > this.#idHashes.length) this.#idHashes = new Uint32Array(events.length);
    for (let each = 0; each < events.length; each++)
      this.#idHashes[each] = idHash(idSource(events[each]!), idOffset(events[each]!), streamHash);
    return this.#idHashes;
  }

  #firstOf(candidates: readonly Sequence[], stream: StreamName, draft: EventDraft): KnownEvent | null {
    for (const position of candidates) {
      const event = this.#compare(position, stream, draft.id);
      if (event !== null) return event;
    }
    return null;
  }

  /** Hashes only name candidates: the entry itself tells whether it is the event. */
  #compare(position: Sequence, stream: StreamName, id: Uint8Array): KnownEvent | null {
    const payload = this.#payload(position);
    if (payload === null) return null;
    const event = decodeEvent(payload, position);
    if (event.stream !== stream || Buffer.compare(event.id, id) !== 0) return null;
    return { position, revision: event.revision, event };
  }

  #payload(position: Sequence): Uint8Array | null {
    try {
      return this.#read(position);
    } catch (error) {
      if (error instanceof TruthError && ['PRUNED', 'GAP'].includes(error.code)) return null;
      throw error;
    }
  }
}
