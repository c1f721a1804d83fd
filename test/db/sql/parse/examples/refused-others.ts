/** Everything else that PostgreSQL has and this database has not, and our own words where they cannot stand. */

export const REFUSED_OTHERS: readonly (readonly [sql: string, sqlstate: string, message: string])[] = [
  [
    'CREATE VIEW v AS SELECT 1',
    '0A000',
    'CREATE VIEW at 1:1 is not supported: write CREATE PROJECTION p AS SELECT …',
  ],
  [
    'CREATE MATERIALIZED VIEW v AS SELECT 1',
    '0A000',
    'CREATE TABLE … AS and CREATE MATERIALIZED VIEW at 1:1 is not supported: CREATE PROJECTION p AS SELECT … keeps such an answer up to date; then SELECT from p',
  ],
  [
    'REFRESH MATERIALIZED VIEW v',
    '0A000',
    'REFRESH MATERIALIZED VIEW at 1:1 is not supported: projections are kept up to date by themselves',
  ],
  [
    'CREATE SCHEMA s',
    '0A000',
    'CREATE SCHEMA at 1:1 is not supported: everything stands in schema public; keep things apart by tenant',
  ],
  [
    'CREATE DATABASE d',
    '0A000',
    'CREATE DATABASE at 1:1 is not supported: make a tenant: truthdb tenant create',
  ],
  [
    'CREATE EXTENSION x',
    '0A000',
    'CREATE EXTENSION at 1:1 is not supported: custom logic is a reducer: truthdb reducer deploy FILE.wasm',
  ],
  ['CREATE SEQUENCE s', '0A000', 'a sequence at 1:1 is not supported: give the value in the INSERT'],
  [
    "CREATE TYPE e AS ENUM ('a')",
    '0A000',
    "CREATE TYPE at 1:1 is not supported: use TEXT with a CHECK: CHECK (state IN ('new', 'paid'))",
  ],
  [
    'CREATE DOMAIN d AS INTEGER',
    '0A000',
    'CREATE DOMAIN at 1:1 is not supported: write a CHECK with the column',
  ],
  [
    "CREATE FUNCTION f() RETURNS INTEGER LANGUAGE sql AS 'SELECT 1'",
    '0A000',
    'a function or procedure of your own at 1:1 is not supported: custom logic is a reducer: truthdb reducer deploy FILE.wasm',
  ],
  [
    'CREATE TRIGGER g BEFORE INSERT ON t EXECUTE FUNCTION f()',
    '0A000',
    'a trigger at 1:1 is not supported: custom logic is a reducer: truthdb reducer deploy FILE.wasm',
  ],
  [
    'CREATE RULE r AS ON INSERT TO t DO NOTHING',
    '0A000',
    'a rule at 1:1 is not supported: custom logic is a reducer: truthdb reducer deploy FILE.wasm',
  ],
  [
    "DO 'BEGIN END'",
    '0A000',
    'DO at 1:1 is not supported: custom logic is a reducer: truthdb reducer deploy FILE.wasm',
  ],
  [
    'CALL f()',
    '0A000',
    'CALL at 1:1 is not supported: custom logic is a reducer: truthdb reducer deploy FILE.wasm',
  ],
  [
    'CREATE ROLE r',
    '0A000',
    'CREATE ROLE at 1:1 is not supported: permissions belong to tokens and their roles: truthdb token create',
  ],
  [
    'GRANT SELECT ON t TO r',
    '0A000',
    'GRANT and REVOKE at 1:1 is not supported: permissions belong to tokens and their roles: truthdb token create',
  ],
  [
    'REVOKE SELECT ON t FROM r',
    '0A000',
    'GRANT and REVOKE at 1:1 is not supported: permissions belong to tokens and their roles: truthdb token create',
  ],
  [
    "COMMENT ON TABLE t IS 'x'",
    '0A000',
    'COMMENT ON at 1:1 is not supported: write it down beside the schema',
  ],
  ['VACUUM t', '0A000', 'VACUUM and ANALYZE at 1:1 is not supported: nothing of the kind is needed'],
  ['ANALYZE t', '0A000', 'VACUUM and ANALYZE at 1:1 is not supported: nothing of the kind is needed'],
  [
    'REINDEX TABLE t',
    '0A000',
    'REINDEX at 1:1 is not supported: views are rebuilt from the log: delete views/ and start',
  ],
  ['LOCK TABLE t', '0A000', 'LOCK at 1:1 is not supported: COMMIT refuses when what was read has changed'],
  ['LISTEN c', '0A000', 'LISTEN at 1:1 is not supported: subscribe to the stream of events'],
  ['NOTIFY c', '0A000', 'NOTIFY at 1:1 is not supported: append an event to a stream'],
  [
    'PREPARE p AS SELECT 1',
    '0A000',
    'PREPARE at 1:1 is not supported: prepared statements belong to the protocol',
  ],
  ['EXECUTE p', '0A000', 'EXECUTE at 1:1 is not supported: prepared statements belong to the protocol'],
  [
    'DEALLOCATE ALL',
    '0A000',
    'DEALLOCATE at 1:1 is not supported: prepared statements belong to the protocol',
  ],
  [
    'DECLARE c CURSOR FOR SELECT 1',
    '0A000',
    'a cursor at 1:1 is not supported: use LIMIT and a condition on the key to go on from',
  ],
  [
    'SAVEPOINT s',
    '0A000',
    'SAVEPOINT at 1:1 is not supported: end the transaction with COMMIT or ROLLBACK and begin another',
  ],
  [
    'ROLLBACK TO s',
    '0A000',
    'ROLLBACK TO SAVEPOINT at 1:1 is not supported: there are no savepoints: ROLLBACK ends the whole transaction',
  ],
  ['RELEASE s', '0A000', 'RELEASE SAVEPOINT at 1:1 is not supported: there are no savepoints'],
  [
    "PREPARE TRANSACTION 'x'",
    '0A000',
    'PREPARE TRANSACTION at 1:1 is not supported: there is no two-phase commit',
  ],
  [
    'BEGIN READ ONLY',
    '0A000',
    'READ ONLY at 1:7 is not supported: a token with the role reader cannot write at all',
  ],
  ['COMMIT AND CHAIN', '0A000', 'AND CHAIN at 1:12 is not supported: begin the next transaction with BEGIN'],
  [
    'SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY',
    '0A000',
    'READ ONLY at 1:44 is not supported: a token with the role reader cannot write at all',
  ],
  [
    'SET SESSION AUTHORIZATION x',
    '0A000',
    'SET of session_authorization at 1:1 is not supported: connect with the token of whoever shall act',
  ],
  ['DISCARD PLANS', '0A000', 'DISCARD of a part at 1:1 is not supported: write DISCARD ALL'],
  [
    'CREATE POLICY p ON t',
    '0A000',
    'CREATE POLICY at 1:1 is not supported: permissions belong to tokens and their roles: truthdb token create',
  ],
  [
    'ALTER SYSTEM SET a = 1',
    '0A000',
    'ALTER SYSTEM at 1:1 is not supported: settings are in the configuration file',
  ],
  ['CHECKPOINT', '0A000', 'CHECKPOINT at 1:1 is not supported: what is acknowledged is durable'],
  [
    'SELECT * FROM (SELECT * FROM t AS OF POSITION 3) AS s',
    '0A000',
    'AS OF within parentheses at 1:32 is not supported: it stands once, behind FROM or at the end, for the whole query',
  ],
  [
    'UPDATE t AS OF POSITION 3 SET a = 1',
    '0A000',
    'AS OF at 1:10 is not supported: only a SELECT looks at the past',
  ],
  [
    'CREATE PROJECTION p AS SELECT * FROM t AS OF POSITION 3',
    '0A000',
    'AS OF at 1:40 is not supported: a projection is of the present; ask it AS OF a position when you SELECT from it',
  ],
  [
    'CREATE PROJECTION p AS SELECT * FROM t HISTORY',
    '0A000',
    'HISTORY at 1:40 is not supported: a projection is of the present; ask it AS OF a position when you SELECT from it',
  ],
  [
    'CREATE PROJECTION p (a, b) AS SELECT 1, 2',
    '0A000',
    'a list of columns for a projection at 1:21 is not supported: name them in its SELECT with AS',
  ],
  [
    'CREATE PROJECTION p AS WITH x AS (SELECT 1) SELECT * FROM x',
    '0A000',
    'a common table expression (WITH) at 1:24 is not supported: write it as a subquery in CREATE PROJECTION p AS SELECT …',
  ],
  [
    "CREATE REDUCER r AS 'x'",
    '0A000',
    'CREATE REDUCER at 1:1 is not supported: reducers are deployed: truthdb reducer deploy FILE.wasm',
  ],
  [
    'ALTER PROJECTION p RENAME TO q',
    '0A000',
    'ALTER PROJECTION at 1:1 is not supported: write CREATE OR REPLACE PROJECTION',
  ],
  [
    'REFRESH PROJECTION p',
    '0A000',
    'REFRESH PROJECTION at 1:1 is not supported: projections are kept up to date by themselves',
  ],
  ['DROP PROJECTION p CASCADE', '0A000', 'CASCADE at 1:19 is not supported: drop what depends on it first'],
  [
    'EXPLAIN (FORMAT json) SELECT 1',
    '0A000',
    'the EXPLAIN option FORMAT at 1:10 is not supported: ANALYZE is the one there is',
  ],
  [
    'EXPLAIN CREATE TABLE t (a INTEGER)',
    '0A000',
    'EXPLAIN of CREATE TABLE at 1:1 is not supported: explain a query or a change of rows',
  ],
  ['EXPLAIN BEGIN', '0A000', 'EXPLAIN of BEGIN at 1:1 is not supported: explain a query or a change of rows'],
  ['SET ROLE x', '0A000', 'SET of role at 1:1 is not supported: connect with the token of whoever shall act'],
];
