/** What is appended in `bench producers`, the same from wherever it comes. */
import type { AppendRequest, AppendResult, EventDraft, StreamName } from '../../db/kernel/event.ts';

export interface ProducerLoad {
  readonly stream: string;
  /** Events an append. */
  readonly batch: number;
  /** Appends under way. */
  readonly inFlight: number;
  /** Tells this producer's event ids from all others of the run. */
  readonly seed: number;
}

export const DATA_BYTES = 256;
const DATA = new Uint8Array(DATA_BYTES).fill(66);
const NOTHING = new Uint8Array();

/** Appends while `shared[0]` is 1, adding to `shared[1]` the events that were answered. Both words are of shared memory. */
export async function appendUntil(
  append: (request: AppendRequest) => Promise<AppendResult>,
  { stream, batch, inFlight, seed }: ProducerLoad,
  shared: Int32Array,
): Promise<void> {
  let made = 0;
  const draft = (): EventDraft => {
    const id = new Uint8Array(16);
    const view = new DataView(id.buffer);
    view.setUint32(0, Math.imul(++made, 0x9e3779b1));
    view.setUint32(4, made);
    view.setUint32(8, seed);
    return { id, type: 'measured', contentType: 'binary', data: DATA, metadata: NOTHING };
  };
  const work = async (): Promise<void> => {
    while (Atomics.load(shared, 0) === 1) {
      const events = Array.from({ length: batch }, draft);
      await append({ stream: stream as StreamName, expected: 'any', events, ack: 'durable' });
      Atomics.add(shared, 1, batch);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, work));
}
