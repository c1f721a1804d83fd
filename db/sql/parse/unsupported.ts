/** SQL that PostgreSQL has and this database has not: what it is called, and what to do instead. */

export interface Unsupported {
  /** With its article or in capitals: begins the message "… is not supported". */
  readonly construct: string;
  readonly instead: string;
}

/** A clause, by the tree's node and field. A field that is not in the table is named as the grammar calls it. */
export function unsupportedField(tag: string, field: string): Unsupported {
  const row = FIELDS[`${tag}.${field}`] ?? FIELDS[field];
  return row === undefined
    ? { construct: `${field} in ${tag}`, instead: 'leave it out' }
    : { construct: row[0], instead: row[1] };
}

/** A statement, by the tree's node; `words` it begins with name one that has no row. */
export function unsupportedStatement(tag: string, words: string): Unsupported {
  return named(STATEMENTS[tag] ?? [words, 'docs/sql.md lists what there is']);
}

/** An expression, or something in FROM or in CREATE TABLE. */
export function unsupportedNode(tag: string): Unsupported {
  return named(EXPRESSIONS[tag] ?? [tag, 'docs/sql.md lists what there is']);
}

function named([construct, instead]: Row): Unsupported {
  return { construct, instead };
}

type Row = readonly [construct: string, instead: string];

const PROJECTION = 'CREATE PROJECTION p AS SELECT … keeps such an answer up to date; then SELECT from p';
const PERMISSIONS = 'permissions belong to tokens and their roles: truthdb token create';
const REDUCER = 'custom logic is a reducer: truthdb reducer deploy FILE.wasm';
const PREPARED = 'prepared statements belong to the protocol';
const DEFERRED = 'constraints are checked with each statement';
const HAND_WRITTEN = 'give the value in the INSERT';

const FIELDS: Readonly<Record<string, Row>> = {
  withClause: [
    'a common table expression (WITH)',
    'write it as a subquery in CREATE PROJECTION p AS SELECT …',
  ],
  'SelectStmt.intoClause': ['SELECT INTO', PROJECTION],
  'SelectStmt.windowClause': ['a WINDOW clause', 'there are no window functions'],
  'SelectStmt.lockingClause': [
    'a row lock (FOR UPDATE, FOR SHARE)',
    'COMMIT refuses when rows read have changed',
  ],
  'SelectStmt.valuesLists': ['VALUES as a query', 'write SELECT'],
  'SelectStmt.groupDistinct': ['GROUP BY DISTINCT', 'write GROUP BY'],
  'UpdateStmt.fromClause': ['UPDATE … FROM', 'read the values first, then update by key'],
  'DeleteStmt.usingClause': ['DELETE … USING', 'read the keys first, then delete by key'],
  'ReturningClause.options': ['WITH in RETURNING', 'RETURNING gives the new row, of DELETE the old one'],
  'InferClause.whereClause': ['a WHERE in the target of ON CONFLICT', 'there are no partial indexes'],
  'InferClause.conname': ['ON CONFLICT ON CONSTRAINT', 'name the columns: ON CONFLICT (a, b)'],
  'RangeVar.catalogname': ['a database before a table', 'a connection sees one database: leave it out'],
  'Alias.colnames': ['a list of columns behind an alias', 'name them in the SELECT with AS'],
  'RangeSubselect.lateral': ['LATERAL', PROJECTION],
  'JoinExpr.isNatural': ['NATURAL JOIN', 'write JOIN … ON'],
  'JoinExpr.usingClause': ['JOIN … USING', 'write JOIN … ON a.x = b.x'],
  'JoinExpr.alias': ['an alias for a join', 'give its tables aliases'],
  'JoinExpr.join_using_alias': ['an alias for a join', 'give its tables aliases'],
  'SortBy.useOp': ['ORDER BY … USING', 'write ASC or DESC'],
  'FuncCall.agg_filter': ['FILTER', 'write the condition as CASE WHEN … THEN … END in the argument'],
  'FuncCall.agg_order': ['ORDER BY in an aggregate', 'aggregates here do not depend on an order'],
  'FuncCall.over': ['a window function (OVER)', 'number or sum the rows in the program that reads them'],
  'FuncCall.func_variadic': ['VARIADIC', 'write the arguments out'],
  'FuncCall.agg_within_group': ['WITHIN GROUP', ''],
  'TypeName.arrayBounds': ['an array type', 'use JSON or a table of its own'],
  'TypeName.setof': ['SETOF', ''],
  'TypeName.pct_type': ['%TYPE', 'name the type'],
  'CreateStmt.inhRelations': ['INHERITS', 'write the columns out'],
  'CreateStmt.partspec': ['PARTITION BY', 'tables here are not partitioned'],
  'CreateStmt.partbound': ['PARTITION OF', 'tables here are not partitioned'],
  'CreateStmt.ofTypename': ['CREATE TABLE … OF', 'write the columns out'],
  'CreateStmt.tablespacename': ['TABLESPACE', 'leave it out'],
  'CreateStmt.accessMethod': ['USING in CREATE TABLE', 'leave it out'],
  'ColumnDef.collClause': ['COLLATE', 'text is compared byte by byte'],
  'ColumnDef.compression': ['COMPRESSION', 'leave it out'],
  'ColumnDef.storage_name': ['STORAGE', 'leave it out'],
  'ColumnDef.fdwoptions': ['OPTIONS of a column', 'leave it out'],
  'Constraint.deferrable': ['DEFERRABLE', DEFERRED],
  'Constraint.initdeferred': ['INITIALLY DEFERRED', DEFERRED],
  'Constraint.is_no_inherit': ['NO INHERIT', 'leave it out'],
  'Constraint.nulls_not_distinct': ['NULLS NOT DISTINCT', 'declare the columns NOT NULL'],
  'Constraint.including': ['INCLUDE', 'leave it out'],
  'Constraint.options': ['WITH behind a constraint', 'leave it out'],
  'Constraint.indexname': ['USING INDEX', 'leave it out: the constraint makes its index'],
  'Constraint.indexspace': ['USING INDEX TABLESPACE', 'leave it out'],
  'Constraint.without_overlaps': ['WITHOUT OVERLAPS', ''],
  'Constraint.skip_validation': ['NOT VALID or NOT ENFORCED', 'constraints always hold'],
  'IndexStmt.whereClause': ['a partial index (WHERE)', 'index the whole table'],
  'IndexStmt.concurrent': ['CONCURRENTLY', 'leave it out'],
  'IndexStmt.indexIncludingParams': ['INCLUDE', 'leave it out'],
  'IndexStmt.nulls_not_distinct': ['NULLS NOT DISTINCT', 'declare the columns NOT NULL'],
  'IndexStmt.options': ['WITH behind an index', 'leave it out'],
  'IndexStmt.tableSpace': ['TABLESPACE', 'leave it out'],
  'IndexElem.expr': ['an index on an expression', 'index a column'],
  'IndexElem.collation': ['COLLATE', 'text is compared byte by byte'],
  'IndexElem.opclass': ['an operator class', 'leave it out'],
  'DropStmt.concurrent': ['CONCURRENTLY', 'leave it out'],
  'TransactionStmt.chain': ['AND CHAIN', 'begin the next transaction with BEGIN'],
  'ResTarget.indirection': ['a part of a column (a.b, a[1])', 'assign the whole column'],
};

const EXPRESSIONS: Readonly<Record<string, Row>> = {
  A_Indirection: ['a part of a value ([…] or .field)', 'there are no arrays and composite types'],
  A_ArrayExpr: ['an array', 'use JSON, or IN (…) to compare with several values'],
  RowExpr: ['a row in an expression', 'compare the columns one by one with AND'],
  CollateClause: ['COLLATE', 'text is compared byte by byte'],
  GroupingFunc: ['GROUPING', 'there are no grouping sets'],
  GroupingSet: ['GROUPING SETS, ROLLUP and CUBE', 'make one projection for each grouping'],
  CurrentOfExpr: ['WHERE CURRENT OF', 'there are no cursors: name the key'],
  SetToDefault: ['DEFAULT in an expression', 'it stands alone as the value of a column'],
  NamedArgExpr: ['an argument by name', 'give the arguments in their order'],
  MultiAssignRef: ['an assignment from a subquery', 'assign each column its own expression'],
  MergeSupportFunc: ['MERGE_ACTION', ''],
  XmlExpr: ['XML', 'use TEXT or JSON'],
  XmlSerialize: ['XML', 'use TEXT or JSON'],
  JsonObjectConstructor: ['JSON_OBJECT', 'send the JSON as a parameter'],
  JsonArrayConstructor: ['JSON_ARRAY', 'send the JSON as a parameter'],
  JsonArrayQueryConstructor: ['JSON_ARRAY', 'send the JSON as a parameter'],
  JsonObjectAgg: ['JSON_OBJECTAGG', 'build the JSON in the program that reads the rows'],
  JsonArrayAgg: ['JSON_ARRAYAGG', 'build the JSON in the program that reads the rows'],
  JsonFuncExpr: ['a JSON path', 'keep what you search by in a column of its own'],
  JsonIsPredicate: ['IS JSON', 'a JSON column holds nothing else'],
  JsonParseExpr: ['JSON()', 'write a cast: x::json'],
  JsonScalarExpr: ['JSON_SCALAR', 'write a cast: x::json'],
  JsonSerializeExpr: ['JSON_SERIALIZE', 'write a cast: x::text'],
  JoinExpr: ['a join', PROJECTION],
  RangeFunction: ['a function in FROM', 'FROM takes tables and projections'],
  RangeTableSample: ['TABLESAMPLE', 'use LIMIT'],
  RangeTableFunc: ['XMLTABLE', ''],
  JsonTable: ['JSON_TABLE', 'keep what you search by in columns of their own'],
  TableLikeClause: ['LIKE in CREATE TABLE', 'write the columns out'],
};

const STATEMENTS: Readonly<Record<string, Row>> = {
  TruncateStmt: ['TRUNCATE', 'write DELETE FROM: it leaves the history of each row'],
  GrantStmt: ['GRANT and REVOKE', PERMISSIONS],
  GrantRoleStmt: ['GRANT and REVOKE', PERMISSIONS],
  AlterDefaultPrivilegesStmt: ['ALTER DEFAULT PRIVILEGES', PERMISSIONS],
  CreateRoleStmt: ['CREATE ROLE', PERMISSIONS],
  AlterRoleStmt: ['ALTER ROLE', PERMISSIONS],
  AlterRoleSetStmt: ['ALTER ROLE', PERMISSIONS],
  DropRoleStmt: ['DROP ROLE', PERMISSIONS],
  AlterOwnerStmt: ['OWNER TO', 'tables belong to their tenant'],
  ReassignOwnedStmt: ['REASSIGN OWNED', 'tables belong to their tenant'],
  DropOwnedStmt: ['DROP OWNED', 'tables belong to their tenant'],
  CreatePolicyStmt: ['CREATE POLICY', PERMISSIONS],
  AlterPolicyStmt: ['ALTER POLICY', PERMISSIONS],
  CopyStmt: ['COPY', 'write INSERT with several rows'],
  MergeStmt: ['MERGE', 'write INSERT … ON CONFLICT'],
  CreateTrigStmt: ['a trigger', REDUCER],
  CreateEventTrigStmt: ['an event trigger', REDUCER],
  AlterEventTrigStmt: ['an event trigger', REDUCER],
  CreateFunctionStmt: ['a function or procedure of your own', REDUCER],
  AlterFunctionStmt: ['a function or procedure of your own', REDUCER],
  CallStmt: ['CALL', REDUCER],
  DoStmt: ['DO', REDUCER],
  RuleStmt: ['a rule', REDUCER],
  CreateSeqStmt: ['a sequence', HAND_WRITTEN],
  AlterSeqStmt: ['a sequence', HAND_WRITTEN],
  ViewStmt: ['CREATE VIEW', 'write CREATE PROJECTION p AS SELECT …'],
  RefreshMatViewStmt: ['REFRESH MATERIALIZED VIEW', 'projections are kept up to date by themselves'],
  CreateTableAsStmt: ['CREATE TABLE … AS and CREATE MATERIALIZED VIEW', PROJECTION],
  CreateSchemaStmt: ['CREATE SCHEMA', 'everything stands in schema public; keep things apart by tenant'],
  CreatedbStmt: ['CREATE DATABASE', 'make a tenant: truthdb tenant create'],
  DropdbStmt: ['DROP DATABASE', 'shred the tenant: truthdb tenant shred'],
  AlterDatabaseStmt: ['ALTER DATABASE', ''],
  AlterDatabaseSetStmt: ['ALTER DATABASE', ''],
  CreateExtensionStmt: ['CREATE EXTENSION', REDUCER],
  CreateDomainStmt: ['CREATE DOMAIN', 'write a CHECK with the column'],
  AlterDomainStmt: ['ALTER DOMAIN', 'write a CHECK with the column'],
  CreateEnumStmt: ['CREATE TYPE', "use TEXT with a CHECK: CHECK (state IN ('new', 'paid'))"],
  AlterEnumStmt: ['ALTER TYPE', 'use TEXT with a CHECK'],
  CompositeTypeStmt: ['CREATE TYPE', 'use columns or JSON'],
  CreateRangeStmt: ['CREATE TYPE', 'use two columns'],
  DefineStmt: ['CREATE AGGREGATE, OPERATOR, TYPE and their like', REDUCER],
  CreateCastStmt: ['CREATE CAST', ''],
  CreateForeignTableStmt: ['CREATE FOREIGN TABLE', ''],
  CreateFdwStmt: ['CREATE FOREIGN DATA WRAPPER', ''],
  CreateForeignServerStmt: ['CREATE SERVER', ''],
  CreatePublicationStmt: ['CREATE PUBLICATION', 'a follower copies the whole log: truthdb follow'],
  CreateSubscriptionStmt: ['CREATE SUBSCRIPTION', 'a follower copies the whole log: truthdb follow'],
  CreateStatsStmt: ['CREATE STATISTICS', ''],
  CreateTableSpaceStmt: ['CREATE TABLESPACE', ''],
  CommentStmt: ['COMMENT ON', 'write it down beside the schema'],
  SecLabelStmt: ['SECURITY LABEL', ''],
  AlterObjectSchemaStmt: ['SET SCHEMA', 'everything stands in schema public'],
  PrepareStmt: ['PREPARE', PREPARED],
  ExecuteStmt: ['EXECUTE', PREPARED],
  DeallocateStmt: ['DEALLOCATE', PREPARED],
  DeclareCursorStmt: ['a cursor', 'use LIMIT and a condition on the key to go on from'],
  FetchStmt: ['a cursor', 'use LIMIT and a condition on the key to go on from'],
  ClosePortalStmt: ['a cursor', 'use LIMIT and a condition on the key to go on from'],
  ListenStmt: ['LISTEN', 'subscribe to the stream of events'],
  UnlistenStmt: ['UNLISTEN', 'subscribe to the stream of events'],
  NotifyStmt: ['NOTIFY', 'append an event to a stream'],
  LockStmt: ['LOCK', 'COMMIT refuses when what was read has changed'],
  ConstraintsSetStmt: ['SET CONSTRAINTS', DEFERRED],
  VacuumStmt: ['VACUUM and ANALYZE', 'nothing of the kind is needed'],
  ReindexStmt: ['REINDEX', 'views are rebuilt from the log: delete views/ and start'],
  ClusterStmt: ['CLUSTER', ''],
  CheckPointStmt: ['CHECKPOINT', 'what is acknowledged is durable'],
  LoadStmt: ['LOAD', REDUCER],
  AlterSystemStmt: ['ALTER SYSTEM', 'settings are in the configuration file'],
  ReturnStmt: ['RETURN', ''],
};
