/**
 * `sql/` is tables as a view of the log: what SQL says (parse, ast), what it means (expression, types, plan), what writing
 * decides (commands: entries or a refusal) and what entries do (rows, catalog, view, over the versions in store), what reading
 * answers (execute, pool), and conversations (session). It may import ground, the log's types, kernel and materializer.
 * Statements come in from the doors through `SqlDatabase`; entries go out to the log through the engine's pipeline, and come
 * back through the view.
 */
export type {
  CommandAnswer,
  CommandInput,
  CommandReply,
  OwnCommand,
  OwnDecision,
  SqlCommand,
  SqlDecision,
} from './commands/command.ts';
export { decideSql, uuidOf } from './commands/decide.ts';
export type { SqlDatabase, SqlIdentity, SqlSession } from './contract.ts';
export type { LogEnd, QueryLoad, QueryRunner } from './execute/query.ts';
export { Queries } from './pool/index.ts';
export { tablePartition } from './rows/table-partition.ts';
export { SESSION_LIMITS, type SessionLimits, type SqlBackend } from './session/backend.ts';
export { loadSql } from './session/parser.ts';
export { Session } from './session/session.ts';
export { SqlView, sqlTables } from './view.ts';
