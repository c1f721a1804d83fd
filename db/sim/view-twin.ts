/** Views of the run beside those of the database, which it can make once more and compare. */
import type { Materializer, ViewCommit, ViewContext, ViewDefinition } from '../materializer/index.ts';

/** Without the entries that are the log's own, as the registry gives them. */
export function apply(view: Materializer, commit: ViewCommit): void {
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
