/** Digests of tables and reducers that come about in different ways and have to be the same. */
import { tablesView } from '../../../../db/engine/reducers-view.ts';
import { type CheckpointReader, type ViewCommit, viewCommit } from '../../../../db/materializer/index.ts';
import type { SqlView } from '../../../../db/sql/index.ts';
import type { Sequence } from '../../../../db/types.ts';
import type { LogReader } from '../../../../db/wal/log.ts';

export async function commitsOf(log: LogReader): Promise<ViewCommit[]> {
  const commits: ViewCommit[] = [];
  for await (const commit of log.read({ from: 1 as Sequence, follow: false })) {
    const { entries, ...rest } = viewCommit(commit);
    if (entries.length === 0) continue;
    commits.push({
      ...rest,
      entries: entries.map((entry) => ({ ...entry, payload: entry.payload.slice() })),
    });
  }
  return commits;
}

/** Of the view's own files, or of everything replayed. */
export function digestOf(logId: Uint8Array, folder: string | null, commits: readonly ViewCommit[]): string {
  return ended(applied(tablesView.create({ logId, folder }), commits));
}

/** Of a checkpoint taken in the middle, restored, and what came after it. */
export function digestOverCheckpoint(
  logId: Uint8Array,
  commits: readonly ViewCommit[],
  middle: number,
): string {
  const first = applied(tablesView.create({ logId, folder: null }), commits.slice(0, middle));
  const parts = new Map<string, Uint8Array>();
  first.checkpoint({
    part: (name, chunks, done) => {
      parts.set(name, Buffer.concat([...chunks()]));
      done?.();
    },
  });
  first.close();
  const second = tablesView.create({ logId, folder: null });
  const reader: CheckpointReader = { parts: [...parts.keys()], read: (name) => parts.get(name)! };
  second.restore(reader);
  return ended(applied(second, commits.slice(middle)));
}

function applied(view: SqlView, commits: readonly ViewCommit[]): SqlView {
  for (const commit of commits) view.onCommit(commit);
  view.caughtUp();
  return view;
}

function ended(view: SqlView): string {
  const digest = view.digest();
  view.close();
  return digest;
}
