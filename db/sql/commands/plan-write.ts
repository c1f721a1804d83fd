/** From an INSERT, UPDATE or DELETE to what can be run. */
import type { TruthError } from '../../errors.ts';
import type { DeleteStatement, InsertStatement, UpdateStatement } from '../ast.ts';
import type { Catalog, Table } from '../catalog/index.ts';
import { ParameterTypes } from '../expression/index.ts';
import type { SqlType } from '../types/index.ts';
import { InsertPlan } from './insert.ts';
import { noTable, refusal } from './refusals.ts';
import { DeletePlan, UpdatePlan } from './update.ts';
import type { WritePlan } from './write-plan.ts';

export type RowStatement = InsertStatement | UpdateStatement | DeleteStatement;

export interface PlannedWrite {
  readonly plan: WritePlan;
  readonly parameterTypes: readonly SqlType[];
}

/** `given`: types of the parameters, null where their places decide; as many as the statement has. Errors: 42P01, 42P18 and what binding says. */
export function planWrite(
  statement: RowStatement,
  catalog: Catalog,
  given: readonly (SqlType | null)[],
): PlannedWrite {
  const table = catalog.table(statement.table);
  if (table === null) throw notATable(catalog, statement.table);
  const parameters = new ParameterTypes(given.length, given);
  const plan = planOn(table, statement, parameters);
  return { plan, parameterTypes: parameters.all() };
}

function planOn(table: Table, statement: RowStatement, parameters: ParameterTypes): WritePlan {
  switch (statement.statement) {
    case 'insert':
      return new InsertPlan(table, statement, parameters);
    case 'update':
      return new UpdatePlan(table, statement, parameters);
    case 'delete':
      return new DeletePlan(table, statement, parameters);
  }
}

function notATable(catalog: Catalog, name: string): TruthError {
  if (catalog.projection(name) === null) return noTable(name);
  return refusal(
    '42809',
    `cannot write to projection "${name}": its rows come from its query; write to the tables it is over`,
  );
}
