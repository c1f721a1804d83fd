/** Views of the run beside those of the database, which it can make once more and compare. */
import type { Engine } from '../engine.ts';
import type { Materializer, ViewCommit, ViewContext, ViewDefinition } from '../materializer/index.ts';
import type { OpenedLog } from '../wal/index.ts';
import { Violation } from './violation.ts';

/**
 * Every view as it is, restored and caught up or live, against a fresh one that is given the log from its start: `before` is what
 * was pruned of it. Throws Violation.
 */
export async function compareTwins(
  twins: readonly Twin[],
  engine: Engine,
  log: OpenedLog,
  before: readonly ViewCommit[],
): Promise<void> {
  const statuses = new Map(engine.status().views.map((status) => [status.name, status]));
  const compared = twins.map(({ definition: { name }, made, fresh }) => {
    const status = statuses.get(name);
    if (status?.state !== 'live')
      throw new Violation('views equal replay', `view ${name} is ${status?.state}: ${status?.error}`);
    const view = fresh({ logId: log.identity.logId, folder: null });
    for (const commit of before) apply(view, commit);
    return { name, view, applied: status.applied, live: made().digest() };
  });
  for await (const commit of log.read({ from: log.retention.floor, follow: false })) {
    for (const { view, applied } of compared) if (commit.sequence <= applied) apply(view, commit);
  }
  for (const { name, view, applied, live } of compared) {
    if (view.digest() === live) continue;
    throw new Violation(
      'views equal replay',
      `view ${name} at ${applied} is not what replay from zero gives`,
    );
  }
}

/** Without the entries that are the log's own, as the registry gives them. */
function apply(view: Materializer, commit: ViewCommit): void {
  const entries = commit.entries.filter(({ type }) => type >= 16);
  if (entries.length > 0) view.onCommit({ ...commit, entries });
}

type Create = (context: ViewContext) => Materializer;

/** A definition that can be asked for what it made last for the registry. */
export interface Twin {
  readonly definition: ViewDefinition;
  readonly made: () => Materializer;
  readonly fresh: Create;
}

export function twin(name: string, create: Create): Twin {
  const made: Materializer[] = [];
  const definition: ViewDefinition = {
    name,
    version: 1,
    scope: 'global',
    required: true,
    create: (context) => {
      const view = create(context);
      made.push(view);
      return view;
    },
  };
  return {
    definition,
    fresh: create,
    made: () => {
      const view = made.at(-1);
      if (view === undefined) throw new Error(`view ${name} was never made`);
      return view;
    },
  };
}
