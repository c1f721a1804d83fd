import type { ViewDefinition } from '../materializer/index.ts';
import { ReducerRunner } from '../reducers/index.ts';
import { SqlView, sqlTables } from '../sql/index.ts';

/** The view of all tables, reducers included. */
export const tablesView: ViewDefinition<SqlView> = {
  ...sqlTables,
  create: (context) => new SqlView(context, undefined, new ReducerRunner()),
};
