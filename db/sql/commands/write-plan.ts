import type { Table } from '../catalog/index.ts';
import type { SqlColumn } from '../contract.ts';
import type { CommandReply } from './command.ts';
import type { Evaluation } from './stored-expressions.ts';
import type { Workspace } from './workspace.ts';

export type WriteResult = CommandReply;

/** An INSERT, UPDATE or DELETE bound to a table's definition: good for as long as that is the table's. */
export interface WritePlan {
  readonly table: Table;
  /** What RETURNING gives, or null. */
  readonly columns: readonly SqlColumn[] | null;
  /** Writes into the workspace. Errors: what constraints and expressions say; the workspace is then to be thrown away. */
  run(workspace: Workspace, evaluation: Evaluation): WriteResult;
}
