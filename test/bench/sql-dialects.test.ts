import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ByteWriter,
  decodeSqlExecute,
  decodeSqlPrepare,
  encodeEmpty,
  encodeSqlResult,
  encodeWelcome,
  FrameReader,
  KIND,
  type Welcome,
} from '../../db/protocol/index.ts';
import { makeScramVerifier, SCRAM, ScramExchange } from '../../db/server/scram.ts';
import type { Epoch, Sequence } from '../../db/types.ts';
import { inTurns, medianOf, ratioInTurns } from '../../scripts/bench/sql/part.ts';
import { PgStatementDialect } from '../../scripts/bench/sql/pg-statement-dialect.ts';
import { ScramLogin } from '../../scripts/bench/sql/scram-login.ts';
import type { LoadStatement } from '../../scripts/bench/sql/statement.ts';
import { TruthdbStatementDialect } from '../../scripts/bench/sql/truthdb-statement-dialect.ts';

function statement(rows: number): LoadStatement {
  let key = 40;
  return { text: 'SELECT $1, $2, $3', others: ['text', 7n], nextKey: () => ++key, rows };
}

const LOGIN = { user: 'u', database: 'd', password: 'secret' };
const READY = message('Z', Buffer.from('I'));
const ROW = message('D', Buffer.from([0, 0]));
const TRUSTED = Buffer.concat([message('R', u32(0)), READY]);

const WELCOME: Welcome = {
  ...{ version: 3, bodyBytesMax: 1024, inFlightMax: 64, appendEventsMax: 10, name: 'server' },
  ...{ stable: 0 as Sequence, logId: new Uint8Array(16), epoch: 1 as Epoch },
};

function preparedPg(rows: number): PgStatementDialect {
  const dialect = new PgStatementDialect(LOGIN, statement(rows));
  dialect.answered(TRUSTED);
  dialect.owed();
  dialect.answered(Buffer.concat([message('1', Buffer.alloc(0)), READY]));
  return dialect;
}

describe('a statement over PostgreSQL’s protocol', () => {
  test('is prepared once the server has let us in', () => {
    const dialect = new PgStatementDialect(LOGIN, statement(0));
    expect(dialect.owed()).toBeNull();
    dialect.answered(TRUSTED);
    expect(dialect.ready()).toBe(false);
    expect(dialect.owed()?.toString('latin1')).toContain('load\0SELECT $1, $2, $3\0');
    dialect.answered(READY);
    expect(dialect.ready()).toBe(true);
  });

  test('is bound to another key each time and to the same other values', () => {
    const requests = preparedPg(0).requests(3);
    const size = requests.length / 3;
    const each = [0, 1, 2].map((at) => requests.subarray(at * size, (at + 1) * size));
    const keyAt = each[0]!.indexOf(u32(8)) + 4;
    expect(each.map((request) => request.readBigInt64BE(keyAt))).toEqual([41n, 42n, 43n]);
    for (const request of each) request.fill(0, keyAt, keyAt + 8);
    expect(each[1]).toEqual(each[0]);
    expect(each[2]).toEqual(each[0]);
  });

  test('counts answers the same however the bytes are cut', () => {
    const answers = Buffer.concat(
      Array.from({ length: 5 }, () => [ROW, message('C', Buffer.from('SELECT 1\0')), READY]).flat(),
    );
    fc.assert(
      fc.property(fc.array(fc.nat(answers.length)), (cuts) => {
        const dialect = preparedPg(1);
        const places = [0, ...cuts.toSorted((a, b) => a - b), answers.length];
        let answered = 0;
        for (let at = 1; at < places.length; at++)
          answered += dialect.answered(answers.subarray(places[at - 1], places[at]));
        expect(answered).toBe(5);
      }),
    );
  });

  test('fails when an answer has not the rows it should, or is an error', () => {
    expect(() => preparedPg(1).answered(READY)).toThrow('0 rows instead of 1');
    expect(() => preparedPg(0).answered(Buffer.concat([ROW, READY]))).toThrow('1 rows instead of 0');
    expect(() => preparedPg(0).answered(message('E', Buffer.from('Mno space\0\0')))).toThrow('no space');
  });

  test('refuses a login it cannot do', () => {
    const dialect = new PgStatementDialect(LOGIN, statement(0));
    expect(() => dialect.answered(message('R', u32(3)))).toThrow('another kind of login (3)');
  });
});

describe('the login', () => {
  const verifier = makeScramVerifier('secret', Buffer.alloc(16, 1));
  const exchange = () =>
    new ScramExchange({
      ...{ mechanism: SCRAM, verifier, known: true, binding: null },
      random: (bytes) => Buffer.alloc(bytes, 2),
    });

  test.each([
    ['secret', 'done'],
    ['another', 'refused'],
  ])('with the password %s is %s', (password, outcome) => {
    const [client, server] = [new ScramLogin(password), exchange()];
    const challenge = server.first(client.first());
    if (challenge.step !== 'continue') throw new Error('the first message was not taken');
    expect(server.last(client.last(challenge.message)).step).toBe(outcome);
  });

  test('goes through the dialect', () => {
    const dialect = new PgStatementDialect(LOGIN, statement(0));
    const server = exchange();
    dialect.answered(message('R', Buffer.concat([u32(10), Buffer.from(`${SCRAM}\0\0`)])));
    const first = dialect
      .owed()!
      .toString('latin1')
      .split('\0')
      .at(-1)!
      .replace(/^[^n]*/, '');
    const challenge = server.first(first);
    if (challenge.step !== 'continue') throw new Error('the first message was not taken');
    dialect.answered(message('R', Buffer.concat([u32(11), Buffer.from(challenge.message)])));
    const last = dialect.owed()!.subarray(5).toString('latin1');
    expect(server.last(last).step).toBe('done');
  });
});

describe('a statement over TruthDB’s own protocol', () => {
  function preparedOwn(rows: number): TruthdbStatementDialect {
    const dialect = new TruthdbStatementDialect('token', statement(rows));
    dialect.answered(frame((out) => encodeWelcome(out, 1, WELCOME)));
    const reader = new FrameReader(1024);
    reader.push(dialect.owed()!);
    expect(reader.next()).toBe(true);
    expect(decodeSqlPrepare(reader.body)).toEqual({ statement: 1, text: 'SELECT $1, $2, $3' });
    expect(dialect.ready()).toBe(false);
    dialect.answered(frame((out) => encodeEmpty(out, KIND.SQL_PREPARED, 1)));
    expect(dialect.ready()).toBe(true);
    return dialect;
  }

  test('is whole frames, each with its own number and its own key', () => {
    const reader = new FrameReader(1024);
    reader.push(preparedOwn(0).requests(3));
    const seen: unknown[] = [];
    const numbers = new Set<number>();
    while (reader.next()) {
      expect(reader.kind).toBe(KIND.SQL_EXECUTE);
      numbers.add(reader.request);
      const { statement: number, session, parameters } = decodeSqlExecute(reader.body);
      expect([number, session]).toEqual([1, 0]);
      seen.push(parameters.map((each) => (each.given === 'text' ? each.text : each.value)));
    }
    expect(numbers.size).toBe(3);
    expect(seen).toEqual([41n, 42n, 43n].map((key) => [key, 'text', 7n]));
  });

  test('counts results, and fails when one has not the rows it should', () => {
    const result = { tag: 'INSERT 0 1', columns: null, rows: [], count: 1, position: 3 as Sequence };
    const bytes = frame((out) => encodeSqlResult(out, 1, result, 0));
    expect(preparedOwn(0).answered(Buffer.concat([bytes, bytes]))).toBe(2);
    expect(() => preparedOwn(1).answered(bytes)).toThrow('0 rows instead of 1');
  });
});

describe('turns', () => {
  test('everybody runs once uncounted, then once a round, each time from another one on', async () => {
    const order: string[] = [];
    const taker = (name: string, figure: number) => ({
      name,
      run: async (isCounted: boolean) => {
        order.push(isCounted ? name : name.toUpperCase());
        return figure * order.length;
      },
    });
    const figures = await inTurns([taker('a', 1), taker('b', 10)], {
      rounds: 2,
      signal: new AbortController().signal,
    });
    expect(order).toEqual(['A', 'B', 'b', 'a', 'a', 'b']);
    expect(figures.get('a')).toEqual([4, 5]);
    expect(medianOf(figures, 'b')).toBe(45);
    expect(ratioInTurns(figures, 'b', 'a')).toBe((30 / 4 + 60 / 5) / 2);
  });

  test('stop when asked to', async () => {
    const run = inTurns([{ name: 'a', run: async () => 1 }], { rounds: 1, signal: AbortSignal.abort() });
    await expect(run).rejects.toThrow();
  });
});

function frame(encode: (out: ByteWriter) => void): Buffer {
  const out = new ByteWriter();
  encode(out);
  return Buffer.from(out.taken());
}

function message(kind: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(kind), u32(body.length + 4), body]);
}

function u32(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value);
  return out;
}
