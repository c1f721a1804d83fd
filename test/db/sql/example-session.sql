-- The example session of docs/sql.md. psql runs it against a server started as `npm start` starts one, and what it prints is
-- compared with example-session.expected.txt (example-session.integration.test.ts).

-- Tables
CREATE TABLE accounts (
  id integer PRIMARY KEY,
  owner text NOT NULL,
  balance numeric(12,2) NOT NULL DEFAULT 0 CHECK (balance >= 0),
  opened timestamp
);
CREATE INDEX accounts_owner ON accounts (owner);
\d accounts
\dt
\di

-- Rows
INSERT INTO accounts (id, owner, balance, opened)
  VALUES (1, 'Ada', 100, '2026-01-31 12:00'), (2, 'Grace', 50.5, NULL)
  RETURNING id, balance;
INSERT INTO accounts (id, owner) VALUES (2, 'Eve') ON CONFLICT (id) DO NOTHING;
INSERT INTO accounts (id, owner, balance) VALUES (2, 'Grace', 5)
  ON CONFLICT (id) DO UPDATE SET balance = accounts.balance + excluded.balance;
SELECT * FROM accounts ORDER BY id;

-- A transaction: all of it, or nothing
SELECT now() AS before \gset
BEGIN;
UPDATE accounts SET balance = balance - 30 WHERE id = 1;
UPDATE accounts SET balance = balance + 30 WHERE id = 2;
SELECT id, balance FROM accounts ORDER BY id;
COMMIT;
SELECT now() AS after \gset

BEGIN;
DELETE FROM accounts;
ROLLBACK;
SELECT count(*) FROM accounts;

-- Errors say what was given and which rule it broke
INSERT INTO accounts (id, owner) VALUES (1, 'Eve');
UPDATE accounts SET balance = balance - 1000 WHERE id = 1;
INSERT INTO accounts (id, owner) VALUES (3, NULL);
SELECT nothing FROM accounts;
SELECT owner, sum(balance) FROM accounts GROUP BY owner;
SELEC 1;

-- The past: as of a moment, what became of a row, and what differs between two moments
UPDATE accounts SET owner = 'Grace Hopper' WHERE id = 2;
ALTER TABLE accounts DROP COLUMN opened;
SELECT * FROM accounts ORDER BY id;
SELECT * FROM accounts AS OF TIMESTAMP :'before' ORDER BY id;
SELECT owner, balance, _until IS NULL AS current, _actor, _operation FROM accounts WHERE id = 2 HISTORY;
\pset format unaligned
DIFF TABLE accounts BETWEEN TIMESTAMP :'before' AND TIMESTAMP :'after';
\pset format aligned
SELECT * FROM accounts AS OF TIMESTAMP '2999-01-01';

-- A projection answers what a query may not compute, and is kept as rows change
CREATE PROJECTION balances AS SELECT owner, count(*) AS accounts, sum(balance) AS total FROM accounts GROUP BY owner;
INSERT INTO accounts (id, owner, balance) VALUES (3, 'Ada', 12.5);
SELECT * FROM balances ORDER BY owner;
\d balances
\d
DROP PROJECTION balances;

-- What drivers do in the protocol has no statement of its own
PREPARE by_owner AS SELECT id FROM accounts WHERE owner = $1;

-- What a query does
EXPLAIN SELECT * FROM accounts WHERE owner = 'Ada';

-- What programs ask about tables
SELECT column_name, data_type, is_nullable FROM information_schema.columns
  WHERE table_name = 'accounts' ORDER BY ordinal_position;
SELECT current_database(), current_schema(), current_user;
SHOW server_encoding;

DROP TABLE accounts;
\dt
