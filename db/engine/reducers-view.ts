import type { ViewDefinition } from '../materializer/index.ts';
import { ReducerRunner } from '../reducers/index.ts';
import { SqlView, sqlTables } from '../sql/index.ts';
import { decodeErasure } from '../tenancy/index.ts';

/** The view of all tables, reducers included, and what erasures have taken out of them. */
export const tablesView: ViewDefinition<SqlView> = {
  ...sqlTables,
  create: (context) =>
    new SqlView(
      context,
      undefined,
      new ReducerRunner(),
      ({ payload, sequence }) => decodeErasure(payload, sequence).keys,
    ),
};
