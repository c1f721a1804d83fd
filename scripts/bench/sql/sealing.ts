/**
 * What encryption costs: the same writes by a tenant with keys and by one without, in batches, and rows each of which is about
 * another person. A person's row is sealed by itself, under a key of its own, so what that adds is held against a loop that only
 * makes a cipher for each row and encrypts it.
 */
import { createCipheriv, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Engine } from '../../../db/engine.ts';
import { newUuid } from '../../../db/protocol/index.ts';
import type { EventDraft, StreamName } from '../../../db/streams/event.ts';
import type { TenantId } from '../../../db/types.ts';
import { atLeast, median } from '../bench.ts';
import { payload } from '../peers/peer.ts';
import { BATCH_ROWS, insertText, newDatabase, prepared, sessionOf, threadMicros } from './embedded.ts';
import {
  inTurns,
  medianOf,
  ratioInTurns,
  type SqlFinding,
  type SqlPartResult,
  type SqlPlan,
} from './part.ts';

const PART = 'encryption';
const ROUNDS = 15;
const EVENT_BYTES = 256;
const NOTE = 'x'.repeat(200);
/** Of a row's entry, about: what the bare loop encrypts. */
const ROW_BYTES = 256;
const [EVENTS, SEALED_EVENTS] = ['events, not encrypted', 'events, encrypted'];
const [ROWS, SEALED_ROWS] = ['rows, not encrypted', 'rows, encrypted'];
const [PERSONS, SEALED_PERSONS] = [
  'rows about persons, not encrypted',
  'rows about persons, each sealed for its own',
];
const LOOP = 'bare cipher loop';

export async function sealing(plan: SqlPlan): Promise<SqlPartResult> {
  const keys = { from: 'file', path: join(plan.directory, 'kek') } as const;
  const engine = await newDatabase(join(plan.directory, 'sealing'), { keys });
  try {
    const plain = (await engine.tenants.create('plain', { encrypted: false })).id;
    const sealed = (await engine.tenants.create('sealed', { encrypted: true })).id;
    plan.progress(`encryption: a key for each of ${BATCH_ROWS} persons`);
    const takers = [
      { name: EVENTS, run: events(engine, plain) },
      { name: SEALED_EVENTS, run: events(engine, sealed) },
      { name: ROWS, run: await rows(engine, plain, false) },
      { name: SEALED_ROWS, run: await rows(engine, sealed, false) },
      { name: PERSONS, run: await rows(engine, plain, true) },
      { name: SEALED_PERSONS, run: await rows(engine, sealed, true) },
      { name: LOOP, run: async () => cipherLoop() },
    ];
    const figures = await inTurns(takers, { rounds: ROUNDS, signal: plan.signal });
    // What sealing for persons adds to a row, a round: beside the same rows of the tenant without keys.
    const bare = figures.get(PERSONS) ?? [];
    const added = (figures.get(SEALED_PERSONS) ?? []).map((value, at) => value - (bare[at] ?? 0));
    const loop = figures.get(LOOP) ?? [];
    const perSubject = median(added.map((value, at) => (loop[at] ?? 0) / value));
    const finding = (who: string, to: string, note = ''): SqlFinding => ({
      ...{ part: PART, load: `batches of ${BATCH_ROWS}`, who, unit: 'µs of CPU each', note },
      ...{ value: medianOf(figures, who), ratio: ratioInTurns(figures, to, who) },
    });
    return {
      findings: [
        finding(EVENTS, EVENTS),
        finding(SEALED_EVENTS, EVENTS),
        finding(ROWS, ROWS),
        finding(SEALED_ROWS, ROWS),
        finding(PERSONS, PERSONS),
        finding(SEALED_PERSONS, PERSONS, `${median(added).toFixed(2)} µs of it for sealing`),
        finding(LOOP, LOOP, `${ROW_BYTES} B`),
      ],
      aims: [
        atLeast(
          'events in batches, encrypted: of not encrypted',
          0.6,
          ratioInTurns(figures, EVENTS, SEALED_EVENTS),
        ),
        atLeast(
          'rows in batches, encrypted: of not encrypted',
          0.6,
          ratioInTurns(figures, ROWS, SEALED_ROWS),
        ),
        atLeast('sealing a row for its person: of a bare cipher loop', 0.6, perSubject),
      ],
    };
  } finally {
    await engine.close();
  }
}

/** CPU of this thread for each event of a batch. */
function events(engine: Engine, tenant: TenantId): () => Promise<number> {
  const data = payload(EVENT_BYTES);
  const draft = (): EventDraft => {
    const metadata = new Uint8Array();
    return { id: newUuid(), type: 'load', contentType: 'binary', data, metadata };
  };
  const streams = engine.tenant(tenant);
  return async () => {
    const batch = Array.from({ length: BATCH_ROWS }, draft);
    const began = threadMicros();
    const stream = 'load' as StreamName;
    await streams.append({ stream, expected: 'any', events: batch, ack: 'durable' });
    return (threadMicros() - began) / BATCH_ROWS;
  };
}

/** CPU of this thread for each row of one INSERT; with `isAboutPersons` each row is about another one. */
async function rows(
  engine: Engine,
  tenant: TenantId,
  isAboutPersons: boolean,
): Promise<() => Promise<number>> {
  const session = sessionOf(engine, tenant);
  const table = isAboutPersons ? 'persons' : 'plain';
  const columns = '(id bigint PRIMARY KEY, person text NOT NULL, note text)';
  const subject = isAboutPersons ? " WITH (subject = 'person')" : '';
  await session.execute(`CREATE TABLE ${table} ${columns}${subject}`, []);
  const insert = prepared(session, insertText(table, BATCH_ROWS, 3));
  let next = 0n;
  const run = async (): Promise<number> => {
    const values = Array.from({ length: BATCH_ROWS }, (_, at) => [next++, `person ${at}`, NOTE]).flat();
    const began = threadMicros();
    await insert(...values);
    return (threadMicros() - began) / BATCH_ROWS;
  };
  // Keys of persons are made, durably, with the first row about each.
  await run();
  return run;
}

function cipherLoop(): number {
  const key = randomBytes(32);
  const row = payload(ROW_BYTES);
  const nonce = Buffer.alloc(12);
  const began = threadMicros();
  for (let at = 0; at < BATCH_ROWS; at++) {
    nonce.writeUInt32LE(at);
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    cipher.update(row);
    cipher.final();
    cipher.getAuthTag();
  }
  return (threadMicros() - began) / BATCH_ROWS;
}
