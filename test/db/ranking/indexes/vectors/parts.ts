/** Checkpoints in memory. */
import type { CheckpointReader, Materializer } from '../../../../../db/materializer/index.ts';

/** What a checkpoint hands over, to be written later. */
export function promisedBy(view: Materializer): Map<string, () => Iterable<Uint8Array>> {
  const promised = new Map<string, () => Iterable<Uint8Array>>();
  view.checkpoint({ part: (name, chunks) => void promised.set(name, chunks) });
  return promised;
}

export function written(
  promised: ReadonlyMap<string, () => Iterable<Uint8Array>>,
  before: ReadonlyMap<string, Uint8Array> = new Map(),
): Map<string, Uint8Array> {
  return new Map(
    [...promised].map(([name, chunks]) => [
      name,
      before.get(name) ?? new Uint8Array(Buffer.concat([...chunks()])),
    ]),
  );
}

export function readerOf(parts: ReadonlyMap<string, Uint8Array>): CheckpointReader {
  return {
    parts: [...parts.keys()],
    read: (name) => {
      const part = parts.get(name);
      if (part === undefined) throw new Error(`there is no part ${name}`);
      return part;
    },
  };
}
