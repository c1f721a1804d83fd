/**
 * Appends the log has no room for at this moment: a burst of large ones is through its queue, or its next segment, in
 * milliseconds, so they wait here in the order of their calls instead of being refused. Bounded: beyond that it is
 * overload, which is refused. Nothing here has been decided yet.
 */
import { TruthError } from '../errors.ts';
import type { AppendRequest } from '../kernel/event.ts';
import { Fifo } from '../streams/index.ts';
import type { TenantId } from '../types.ts';
import type { AppendSettled } from './contract.ts';
import { settleSoon } from './pending-replies.ts';
import { bytesOf } from './refusals.ts';

const APPENDS_MAX = 1024;
/** The largest entries come four at a time at least. */
const BYTES_MAX = 64 * 1024 * 1024;

/** An append of a tenant, as it is decided. */
type Decide = (tenant: TenantId, request: AppendRequest, settled: AppendSettled) => void;

interface WaitingAppend {
  readonly tenant: TenantId;
  readonly request: AppendRequest;
  readonly bytes: number;
  readonly settled: AppendSettled;
}

export class WaitingAppends {
  readonly #append: Decide;
  readonly #waiting = new Fifo<WaitingAppend>();
  readonly #empty: (() => void)[] = [];
  #bytes = 0;
  /** What those hear for whom there is no room here either. */
  #busy: TruthError | null = null;

  /** `append` throws BUSY where there is no room. */
  constructor(append: Decide) {
    this.#append = append;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** Appends at once if nobody waits and there is room. Errors: what `append` throws; BUSY only when too many wait already. */
  append(tenant: TenantId, request: AppendRequest, settled: AppendSettled): void {
    if (this.length === 0) {
      try {
        this.#append(tenant, request, settled);
        return;
      } catch (error) {
        if (!isBusy(error)) throw error;
        this.#busy = error;
      }
    }
    this.#add(tenant, request, settled);
  }

  /** One alone may be of any size. */
  #add(tenant: TenantId, request: AppendRequest, settled: AppendSettled): void {
    const bytes = bytesOf(request);
    const full = this.length >= APPENDS_MAX || this.#bytes + bytes > BYTES_MAX;
    if (this.length > 0 && full && this.#busy !== null) {
      settleSoon(settled, this.#busy);
      return;
    }
    this.#bytes += bytes;
    this.#waiting.push({ tenant, request: copied(request), bytes, settled });
  }

  /** There may be room: tries them in order, up to the first for which there is none. */
  retry(): void {
    for (let next = this.#waiting.peek(); next !== undefined; next = this.#waiting.peek()) {
      try {
        this.#append(next.tenant, next.request, next.settled);
      } catch (error) {
        if (isBusy(error)) {
          this.#busy = error;
          return;
        }
        next.settled(asError(error));
      }
      this.#waiting.shift();
      this.#bytes -= next.bytes;
    }
    for (const tell of this.#empty.splice(0)) tell();
  }

  /** Rejects all of them. */
  fail(error: TruthError): void {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      next.settled(error);
    this.#bytes = 0;
    for (const tell of this.#empty.splice(0)) tell();
  }

  /** Resolves when none waits. */
  emptied(): Promise<void> {
    if (this.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#empty.push(resolve));
  }
}

export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

function isBusy(error: unknown): error is TruthError {
  return error instanceof TruthError && error.code === 'BUSY';
}

/** The caller may use its bytes for something else once the call has returned. */
function copied(request: AppendRequest): AppendRequest {
  const events = request.events.map(({ id, type, contentType, data, metadata }) => ({
    ...{ type, contentType },
    id: new Uint8Array(id),
    data: new Uint8Array(data),
    metadata: new Uint8Array(metadata),
  }));
  return { ...request, events };
}
