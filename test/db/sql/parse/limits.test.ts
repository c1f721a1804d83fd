import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import { loadGrammar } from '../../../../db/sql/parse/grammar.ts';
import { loadParser } from '../../../../db/sql/parse/index.ts';

const parser = await loadParser();

const KIB = 1024;

function refusal(text: string): TruthError {
  try {
    parser.parse(text);
  } catch (error) {
    if (error instanceof TruthError) return error;
    throw error;
  }
  throw new Error(`${text.slice(0, 60)} was taken`);
}

describe('size', () => {
  const values = (bytes: number): string => {
    const [before, after] = ["INSERT INTO t VALUES ('", "')"];
    return `${before}${'x'.repeat(bytes - before.length - after.length)}${after}`;
  };

  test('a statement of 64 KiB is taken, one byte more is not', () => {
    expect(parser.parse(values(64 * KIB))).toHaveLength(1);
    const error = refusal(values(64 * KIB + 1));
    expect(error.code).toBe('TOO_LARGE');
    expect(error.details).toMatchObject({ sqlstate: '54000', position: 1 });
    expect(error.message).toBe(
      'a statement has at most 65536 bytes; use parameters or several statements (at 1:1)',
    );
  });

  test('bytes count, not characters', () => {
    expect(refusal(`SELECT '${'é'.repeat(33 * KIB)}'`).details['sqlstate']).toBe('54000');
  });

  test('a long comment belongs to no statement', () => {
    expect(parser.parse(`/* ${'x'.repeat(100 * KIB)} */ SELECT 1`)).toHaveLength(1);
  });

  test('a text has at most 1 MiB and 1000 statements', () => {
    expect(parser.parse('SELECT 1;'.repeat(1000))).toHaveLength(1000);
    expect(refusal('SELECT 1;'.repeat(1001)).message).toContain('at most 1000 statements');
    expect(refusal(`SELECT 1;${' '.repeat(KIB * KIB)}`).message).toContain('at most 1048576 bytes');
  });

  test('statements have at most 65535 parameters', () => {
    expect(parser.parse('SELECT $65535')[0]?.parameters).toBe(65_535);
    expect(refusal('SELECT $65536').details['sqlstate']).toBe('54000');
    expect(refusal(`SELECT $${'9'.repeat(400)}`).details['sqlstate']).toBe('54000');
  });
});

describe('nesting', () => {
  /** What of SQL nests, one level each. */
  const NESTS: Readonly<Record<string, (levels: number) => string>> = {
    parentheses: (levels) => `SELECT ${'('.repeat(levels)}1${')'.repeat(levels)}`,
    calls: (levels) => `SELECT ${'lower('.repeat(levels)}'a'${')'.repeat(levels)}`,
    CASE: (levels) => `SELECT ${'CASE WHEN a THEN '.repeat(levels)}1${' END'.repeat(levels)} FROM t`,
    subqueries: (levels) => `SELECT 1 FROM ${'(SELECT 1 FROM '.repeat(levels)}t${') AS s'.repeat(levels)}`,
    NOT: (levels) => `SELECT ${'NOT '.repeat(levels)}a FROM t`,
    signs: (levels) => `SELECT ${'- '.repeat(levels)}a FROM t`,
    casts: (levels) => `SELECT a${'::text'.repeat(levels)} FROM t`,
    sums: (levels) => `SELECT a${' + 1'.repeat(levels)} FROM t`,
    concatenations: (levels) => `SELECT a${" || 'b'".repeat(levels)} FROM t`,
  };

  test.each(Object.entries(NESTS))('150 levels of %s are taken', (_, nested) => {
    expect(parser.parse(nested(150))).toHaveLength(1);
  });

  test.each(Object.entries(NESTS))('250 and thousands of levels of %s are refused', (_, nested) => {
    for (const levels of [250, 1500, 2500]) {
      const error = refusal(nested(levels));
      expect(error.message).toContain('nests at most 200 levels deep; split it');
      expect(error.details['sqlstate']).toBe('54001');
    }
  });

  test('hundreds of joins, set operations and unclosed brackets are refused before they reach the grammar', () => {
    for (const text of [
      `SELECT * FROM t${' JOIN u ON a = b AND c = d'.repeat(1200)}`,
      `SELECT 1${' UNION SELECT 1'.repeat(1200)}`,
      `SELECT ${'['.repeat(5000)}`,
      `SELECT ${'(SELECT 1 AS end, '.repeat(3000)}`,
      `SELECT ${'(SELECT 1 end, '.repeat(3000)}`,
    ]) {
      expect(refusal(text).details['sqlstate']).toBe('54001');
    }
  });

  test('chains within chains do not add up to more', () => {
    const chain = (depth: number): string =>
      depth === 0 ? 'a' : `NOT (${Array.from({ length: 60 }, () => 'b AND ').join('')}${chain(depth - 1)})`;
    expect(parser.parse(`SELECT ${chain(20)}`)).toHaveLength(1);
    expect(refusal(`SELECT ${chain(100)}`).details['sqlstate']).toBe('54001');
    const joins = (count: number): string => `SELECT * FROM t${' JOIN u ON a'.repeat(count)}`;
    expect(parser.parse(joins(150))).toHaveLength(1);
    expect(refusal(joins(250)).details['sqlstate']).toBe('54001');
  });

  test('what stands beside each other does not nest', () => {
    const ors = Array.from({ length: 3000 }, (_, at) => `id = ${at}`);
    expect(parser.parse(`SELECT * FROM t WHERE ${ors.join(' OR ')}`)).toHaveLength(1);
    expect(parser.parse(`SELECT * FROM t WHERE ${ors.join(' AND ')}`)).toHaveLength(1);
    expect(parser.parse(`SELECT * FROM t WHERE id IN (${ors.map((_, at) => at).join(', ')})`)).toHaveLength(
      1,
    );
    expect(
      parser.parse(`INSERT INTO t VALUES ${ors.map((_, at) => `(${at}, -1, (2 + 3))`).join(', ')}`),
    ).toHaveLength(1);
    expect(
      parser.parse(
        `SELECT CASE ${ors
          .slice(0, 1500)
          .map((or) => `WHEN ${or} THEN 1`)
          .join(' ')} END FROM t`,
      ),
    ).toHaveLength(1);
  });
});

describe('the parser stays whole', () => {
  test('errors and large statements leave nothing behind in a memory that does not grow', {
    timeout: 60_000,
  }, async () => {
    const grammar = await loadGrammar();
    const large = `SELECT ${'a + b * c, '.repeat(5500)} 1`;
    // A few megabytes each: what stayed behind would fill 128 MiB long before the last round.
    for (let round = 0; round < 40; round += 1) {
      expect(grammar.parse(`${large} FROM FROM`)).toEqual({
        problem: 'syntax error at or near "FROM"',
        character: large.length + 7,
      });
      if (round % 5 === 0) expect(grammar.parse(large)).toHaveProperty('tree');
    }
  });

  test('more than its memory is an error, and it works afterwards', async () => {
    const grammar = await loadGrammar();
    expect(grammar.parse(`SELECT ${'x'.repeat(60_000_000)} y`)).toEqual({
      problem: 'out of memory',
      character: 0,
    });
    expect(grammar.parse('SELECT 1')).toHaveProperty('tree');
  });

  test('a trap in WebAssembly is a typed error, and the next statement finds a new instance', async () => {
    const grammar = await loadGrammar();
    const errors = nearTheEndOfTheStack(() => grammar.parse(`SELECT ${'NOT '.repeat(900)}a`));
    const traps = errors.filter((error) => error instanceof TruthError);
    expect(traps.map(({ code, details }) => [code, details['sqlstate']])).toContainEqual([
      'TOO_LARGE',
      '54001',
    ]);
    expect(errors.filter((error) => !(error instanceof TruthError || error instanceof RangeError))).toEqual(
      [],
    );
    expect(grammar.parse('SELECT 1')).toHaveProperty('tree');
  });

  test('a caller with hardly any stack left gets a typed error', () => {
    let different = 0;
    const errors = nearTheEndOfTheStack(() => {
      different += 1;
      parser.parse(`SELECT ${'NOT '.repeat(190)} ${different}`);
    });
    expect(errors.some((error) => error instanceof TruthError && error.details['sqlstate'] === '54001')).toBe(
      true,
    );
    // With not even room for a call there is none to make an error in.
    expect(errors.filter((error) => !(error instanceof TruthError || error instanceof RangeError))).toEqual(
      [],
    );
    expect(parser.parse('SELECT 1')).toHaveLength(1);
  });
});

/** Goes as deep as there is stack and calls on the way back, with a little more room each time; what the calls threw. */
function nearTheEndOfTheStack(call: () => void): unknown[] {
  const errors: unknown[] = [];
  let unwound = 0;
  const dive = (): void => {
    try {
      dive();
    } catch {
      // The bottom.
    }
    unwound += 1;
    if (unwound % 64 !== 0 || unwound > 1600) return;
    try {
      call();
    } catch (error) {
      errors.push(error);
    }
  };
  dive();
  return errors;
}
