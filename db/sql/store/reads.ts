/** The statements a reader of a store makes. Tests look at the plans of all of them: none may scan or sort. */

const COMMIT = 'SELECT sequence, ordinal, epoch, recorded_at FROM commits';
const RANGE = 'key >= ?1 AND key < ?2';

/** Keys that have history, one after the other, each found by a seek: a key with a thousand versions costs no more than one with two. */
const skippingKeys = (order: '' | 'DESC'): string => {
  const beyond = order === '' ? 'h.key > keys.key AND h.key < ?2' : 'h.key < keys.key AND h.key >= ?1';
  return `
    WITH RECURSIVE keys (key) AS (
      SELECT * FROM (SELECT key FROM history WHERE ${RANGE} ORDER BY key ${order} LIMIT 1)
      UNION ALL
      SELECT (SELECT h.key FROM history h WHERE ${beyond} ORDER BY h.key ${order} LIMIT 1) FROM keys
        WHERE keys.key IS NOT NULL
    )
    SELECT h.key, h.since, h.value FROM keys CROSS JOIN history h
      ON h.key = keys.key AND h.since = (SELECT max(since) FROM history x WHERE x.key = keys.key AND x.since <= ?3)
      WHERE h.until > ?3 LIMIT ?4`;
};

/** The last commit at or before ?2. In the statement itself: asking for it first costs a call more than it does here. */
const COMMIT_AT = '(SELECT sequence FROM commits WHERE sequence <= ?2 ORDER BY sequence DESC LIMIT 1)';

/** The version of a key as of a commit. */
const rowAt = (commit: string): string => `
    SELECT since, value FROM current WHERE key = ?1 AND since <= ${commit}
    UNION ALL
    SELECT since, value FROM (
      SELECT since, until, value FROM history WHERE key = ?1 AND since <= ${commit} ORDER BY since DESC LIMIT 1
    ) WHERE until > ${commit}
    LIMIT 1`;

/** A page of a range, forwards and backwards. */
const pages = (
  statement: (order: '' | 'DESC') => string,
): { readonly up: string; readonly down: string } => ({
  up: statement(''),
  down: statement('DESC'),
});

export const READS = {
  get: 'SELECT since, value FROM current WHERE key = ?1',
  getAt: rowAt(COMMIT_AT),
  /** As of ?2, which is a commit. */
  getAtCommit: rowAt('?2'),
  scan: pages(
    (order) => `SELECT key, since, value FROM current WHERE ${RANGE} ORDER BY key ${order} LIMIT ?3`,
  ),
  /** What is current now and was so at ?3 already. */
  scanStill: pages(
    (order) =>
      `SELECT key, since, value FROM current WHERE ${RANGE} AND since <= ?3 ORDER BY key ${order} LIMIT ?4`,
  ),
  /** What was current at ?3 and is no more: of few versions a key, of many. */
  scanPast: pages(
    (order) =>
      `SELECT key, since, value FROM history WHERE ${RANGE} AND since <= ?3 AND until > ?3 ORDER BY key ${order} LIMIT ?4`,
  ),
  scanPastSkipping: pages(skippingKeys),
  /** The key so many versions further on. */
  historyBeyond: pages(
    (order) => `SELECT key FROM history WHERE ${RANGE} ORDER BY key ${order} LIMIT 1 OFFSET ?3`,
  ),
  /** Behind the version (?1, ?3), or from it on. */
  versionsPast: `
    SELECT key, since, value, until FROM history
      WHERE (key, since) >= (?1, ?3) AND key < ?2 AND since <= ?5 AND until > ?4 ORDER BY key, since LIMIT ?6`,
  versionsCurrent: `SELECT key, since, value FROM current WHERE ${RANGE} AND since <= ?3 ORDER BY key LIMIT ?4`,
  changed: `
    SELECT EXISTS (SELECT 1 FROM current WHERE ${RANGE} AND since > ?3)
      OR EXISTS (SELECT 1 FROM history WHERE ${RANGE} AND until > ?3)`,
  count: 'SELECT value FROM meta WHERE name = ?1',
  resolve: 'SELECT sequence FROM commits WHERE sequence <= ?1 ORDER BY sequence DESC LIMIT 1',
  commitFirst: `${COMMIT} ORDER BY sequence LIMIT 1`,
  commitLast: `${COMMIT} ORDER BY sequence DESC LIMIT 1`,
  commitAtPosition: `${COMMIT} WHERE sequence <= ?1 ORDER BY sequence DESC LIMIT 1`,
  commitAfter: `${COMMIT} WHERE sequence > ?1 ORDER BY sequence LIMIT 1`,
  /** For dumps: everything, a page at a time. */
  dumpCommits: `${COMMIT} WHERE sequence > ?1 ORDER BY sequence LIMIT ?2`,
  dumpActors: 'SELECT id, name FROM actors ORDER BY name',
  dumpWrites: 'SELECT sequence, actor FROM writes WHERE sequence > ?1 ORDER BY sequence LIMIT ?2',
  digest: "SELECT value FROM meta WHERE name = 'digest'",
  write: 'SELECT name FROM writes JOIN actors ON actors.id = writes.actor WHERE sequence = ?1',
} as const;
