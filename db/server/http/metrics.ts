/**
 * Measurements for Prometheus. The hot path only counts in plain numbers; here they are read at the moment of a scrape
 * and handed to prom-client, which does the text format and measures the process.
 */
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import type { EngineStatus, FollowingStatus } from '../../engine.ts';
import { COMMIT, VERSION } from '../../version.ts';
import type { HistogramSnapshot } from '../../wal/log.ts';
import type { ScrubStatus } from '../../wal/scrub.ts';
import { LATENCY_BOUNDS_MILLIS } from '../counters.ts';
import type { HttpDatabase } from './route.ts';

interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly metricName?: string;
}

type Read = (database: HttpDatabase, status: EngineStatus) => readonly Sample[];
type Add = (name: string, type: 'gauge' | 'counter' | 'histogram', help: string, read: Read) => void;

/** A registry whose values are read from what `database` gives at each scrape; null before the database is open. */
export function createMetrics(database: () => HttpDatabase | null): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  // One scrape asks every metric in one turn; to sum everything up for each of them would take too long.
  let scraped: EngineStatus | null = null;
  const statusOf = ({ engine }: HttpDatabase): EngineStatus => {
    if (scraped === null) setImmediate(() => (scraped = null));
    scraped ??= engine.status();
    return scraped;
  };
  const add: Add = (name, type, help, read) => {
    // prom-client asks a metric for its values through `get` alone; the classes it ships can only be counted up.
    const metric = {
      name: `truthdb_${name}`,
      help,
      type,
      aggregator: 'sum',
      get: async () => {
        const from = database();
        const values = from === null ? [] : read(from, statusOf(from));
        return { name: `truthdb_${name}`, help, type, aggregator: 'sum', values };
      },
    };
    registry.registerMetric(metric as unknown as Metric);
  };
  addLogMetrics(add);
  addFollowerMetrics(add);
  addFollowingMetrics(add);
  addSnapshotMetrics(add);
  addScrubMetrics(add);
  addProofMetrics(add);
  addServerMetrics(add);
  return registry;
}

function addLogMetrics(add: Add): void {
  add('info', 'gauge', 'Version, log and hash; always 1', (_, { log }) => [
    {
      value: 1,
      labels: {
        version: VERSION,
        commit: COMMIT,
        log_id: Buffer.from(log.identity.logId).toString('hex'),
        hash: log.identity.hash,
      },
    },
  ]);
  add(
    'log_first_position',
    'gauge',
    'First position that can be read, archives included',
    (_, { beginning }) => one(beginning.first),
  );
  add('log_floor_position', 'gauge', 'First position in the log’s own directory', (_, { beginning }) =>
    one(beginning.floor),
  );
  add('log_stable_position', 'gauge', 'Last stable position', (_, { log }) => one(log.stable));
  add('log_next_position', 'gauge', 'Position of the next entry', (_, { log }) => one(log.next));
  add('log_epoch', 'gauge', 'Epoch of the log', (_, { log }) => one(log.epoch));
  add('log_segments', 'gauge', 'Segments of the log', (_, { log }) => one(log.segments));
  add('log_queue_entries', 'gauge', 'Entries waiting for the writer', (_, { log }) => one(log.queueEntries));
  add('log_queue_bytes', 'gauge', 'Bytes waiting for the writer', (_, { log }) => one(log.queueBytes));
  add('log_queue_bytes_max', 'gauge', 'Bytes that may wait', (_, { log }) => one(log.queueBytesMax));
  add('log_busy_ratio', 'gauge', 'Share of time the writer spends in the disk', (_, { log }) =>
    one(log.busyFraction),
  );
  add('log_writer_failed', 'gauge', '1 when the writer has failed for good', (_, { log }) =>
    one(log.failed === null ? 0 : 1),
  );
  add('log_read_only', 'gauge', '1 while the log cannot be written although it can be read', (_, { log }) =>
    one(log.readOnly === null ? 0 : 1),
  );
  add('log_written_bytes_total', 'counter', 'Bytes written to segments', (_, { log }) =>
    one(log.bytesWritten),
  );
  add('log_zero_filled_bytes_total', 'counter', 'Bytes of spare segments filled with zeros', (_, { log }) =>
    one(log.bytesZeroFilled),
  );
  add('log_write_seconds', 'histogram', 'Time of one write to the log', (_, { log }) =>
    histogram('log_write_seconds', log.writeMicros, 1e-6),
  );
  add('log_sync_seconds', 'histogram', 'Time of one fdatasync of the log', (_, { log }) =>
    histogram('log_sync_seconds', log.syncMicros, 1e-6),
  );
  add('log_group_entries', 'histogram', 'Entries made durable together', (_, { log }) =>
    histogram('log_group_entries', log.groupEntries, 1),
  );
  add('events', 'gauge', 'Events in the log', (_, status) => one(status.events));
  add('streams', 'gauge', 'Streams', (_, status) => one(status.streams));
  add('appends_in_flight', 'gauge', 'Appends decided and not answered', (_, status) => one(status.inFlight));
  add('view_applied_position', 'gauge', 'What a view has applied', (_, status) =>
    status.views.map((view) => ({ value: view.applied, labels: { view: view.name } })),
  );
  add('view_memory_bytes', 'gauge', 'Memory that a view takes, about', (_, { views }) =>
    views.flatMap(({ name, memory }) =>
      memory === null
        ? []
        : (['kept', 'ready'] as const).map((of) => ({ value: memory[of], labels: { view: name, of } })),
    ),
  );
  add(
    'views_memory_bytes',
    'gauge',
    'Memory that views take, and what they moved to the disk',
    (_, { memory }) =>
      (['kept', 'ready', 'spilled'] as const).map((of) => ({ value: memory[of], labels: { of } })),
  );
  add(
    'views_memory_budget_bytes',
    'gauge',
    'Memory that views may take, 0: without bounds',
    (_, { memory }) => one(memory.budget ?? 0),
  );
  add('view_lag_entries', 'gauge', 'Stable entries a view has not applied', (_, { log, views }) =>
    views.map((view) => ({ value: Math.max(0, log.stable - view.applied), labels: { view: view.name } })),
  );
}

function addSnapshotMetrics(add: Add): void {
  add(
    'snapshot_position',
    'gauge',
    'Position of the newest snapshot of the views, 0 without one',
    (_, status) => one(status.snapshots.position),
  );
  add('snapshot_failed', 'gauge', '1 when the last snapshot could not be taken', (_, status) =>
    one(status.snapshots.problem === null ? 0 : 1),
  );
}

function addScrubMetrics(add: Add): void {
  const scrub = (name: string, help: string, read: (status: ScrubStatus) => number) =>
    add(`scrub_${name}`, 'gauge', help, (_, status) =>
      status.scrub === null ? [] : one(read(status.scrub)),
    );
  scrub('checked_segment', 'Last segment checked in this pass, 0 before the first', ({ checked }) => checked);
  scrub('damaged_places', 'Damaged places found in sealed segments', ({ found }) => found.length);
  scrub(
    'pass_end_seconds',
    'When a pass over all sealed segments last ended, 0 for never',
    ({ passEndedAt }) => (passEndedAt === null ? 0 : Date.parse(passEndedAt) / 1000),
  );
}

/** Only whoever keeps proofs has these. */
function addProofMetrics(add: Add): void {
  const proofs = (
    name: string,
    help: string,
    read: (proofs: NonNullable<EngineStatus['proofs']>, status: EngineStatus) => number,
  ) =>
    add(`proofs_${name}`, 'gauge', help, (_, status) =>
      status.proofs === null ? [] : one(read(status.proofs, status)),
    );
  proofs('position', 'Last position in the trees', ({ sequence }) => sequence);
  proofs(
    'signed_position',
    'Last position that a signed checkpoint covers, 0 for none',
    ({ signed }) => signed,
  );
  proofs('unsigned_entries', 'Stable entries that no signed checkpoint covers', ({ signed }, { log }) =>
    Math.max(0, log.stable - signed),
  );
  proofs('checkpoints', 'Signed checkpoints there are', ({ checkpoints }) => checkpoints);
  proofs('failed', '1 while nothing can be signed', ({ problem }) => (problem === null ? 0 : 1));
}

function addFollowerMetrics(add: Add): void {
  const each = (
    name: string,
    help: string,
    read: (follower: EngineStatus['followers'][number]) => number | null,
  ) =>
    add(`follower_${name}`, 'gauge', help, (_, { followers }) =>
      followers.flatMap((follower) => {
        const value = read(follower);
        return value === null ? [] : { value, labels: { follower: follower.name } };
      }),
    );
  each('connected', '1 while the follower is connected', ({ connected }) => (connected ? 1 : 0));
  each('next_position', 'First position the follower does not have', ({ next }) => next);
  each('kept_bytes', 'Bytes of complete segments behind the follower', ({ bytes }) => bytes);
  each('lost', '1 when so much lies behind the follower that nothing is kept for it', ({ lost }) =>
    lost ? 1 : 0,
  );
}

/** Only a copy has these. */
function addFollowingMetrics(add: Add): void {
  const following = (
    name: string,
    type: 'gauge' | 'counter',
    help: string,
    read: (status: FollowingStatus) => number | null,
  ) =>
    add(`following_${name}`, type, help, (_, status) => {
      const value = status.following === null ? null : read(status.following);
      return value === null ? [] : one(value);
    });
  following('connected', 'gauge', '1 while the copy is connected to its source', ({ connected }) =>
    connected ? 1 : 0,
  );
  following('lag_entries', 'gauge', 'Entries the copy is behind', ({ lag }) => lag?.entries ?? null);
  following('lag_bytes', 'gauge', 'Bytes the copy is behind', ({ lag }) => lag?.bytes ?? null);
  following('lag_seconds', 'gauge', 'Recorded time the copy is behind', ({ lag }) => lag?.seconds ?? null);
  following('reconnects_total', 'counter', 'Connections to the source lost', ({ reconnects }) => reconnects);
}

function addServerMetrics(add: Add): void {
  add('connections', 'gauge', 'Connections of the wire protocol', (database) => one(database.connections()));
  add('connections_total', 'counter', 'Connections accepted', ({ counters }) => one(counters.sessionsOpened));
  add('connections_refused_total', 'counter', 'Connections refused for their number', ({ counters }) =>
    one(counters.sessionsRefused),
  );
  add('connections_timed_out_total', 'counter', 'Connections closed at a deadline', ({ counters }) =>
    one(counters.timedOut),
  );
  add('tokens_refused_total', 'counter', 'Attempts without a valid token', ({ counters }) =>
    one(counters.refusedTokens),
  );
  add('subscriptions', 'gauge', 'Subscriptions and tails', ({ counters }) => one(counters.subscriptions));
  add('received_bytes_total', 'counter', 'Bytes received on the wire port', ({ counters }) =>
    one(counters.bytesIn),
  );
  add('sent_bytes_total', 'counter', 'Bytes sent on the wire port', ({ counters }) => one(counters.bytesOut));
  add('incoming_held_bytes', 'gauge', 'Bytes of half-received requests', ({ counters }) =>
    one(counters.incomingBytes),
  );
  add('outgoing_held_bytes', 'gauge', 'Bytes waiting for slow readers', ({ counters }) =>
    one(counters.outgoingBytes),
  );
  add('appends_total', 'counter', 'Appends answered', ({ counters }) => one(counters.appends));
  add('appended_events_total', 'counter', 'Events in appends answered', ({ counters }) =>
    one(counters.appendedEvents),
  );
  add('reads_total', 'counter', 'Pages read', ({ counters }) => one(counters.reads));
  add('read_events_total', 'counter', 'Events in pages read', ({ counters }) => one(counters.readEvents));
  add('delivered_events_total', 'counter', 'Events delivered to subscriptions', ({ counters }) =>
    one(counters.deliveredEvents),
  );
  add('log_streams', 'gauge', 'Copies that follow the log', ({ counters }) => one(counters.logStreams));
  add('log_stream_bytes_total', 'counter', 'Bytes sent to copies of the log', ({ counters }) =>
    one(counters.logStreamBytes),
  );
  add('sql_statements_total', 'counter', 'Statements of SQL answered, by kind', ({ counters }) =>
    [...counters.sqlStatements].map(([kind, value]) => ({ value, labels: { kind } })),
  );
  add('sql_seconds', 'histogram', 'Time from a statement read to its answer known', ({ counters }) =>
    histogram(
      'sql_seconds',
      {
        bounds: [...LATENCY_BOUNDS_MILLIS, Number.POSITIVE_INFINITY],
        counts: counters.sqlLatency,
        sum: counters.sqlLatencySumMillis,
        count: [...counters.sqlStatements.values()].reduce((sum, count) => sum + count, 0),
      },
      1e-3,
    ),
  );
  add('sql_tables', 'gauge', 'Tables of all tenants', (_, { tables }) => one(tables));
  add('sql_commands_waiting', 'gauge', 'Writes of SQL that are not answered', (_, { commandsWaiting }) =>
    one(commandsWaiting),
  );
  add('sql_queries_waiting', 'gauge', 'Queries that wait for a thread of the readers', (_, { queries }) =>
    one(queries.waiting),
  );
  add('sql_queries_running', 'gauge', 'Queries that a thread of the readers carries out', (_, { queries }) =>
    one(queries.running),
  );
  add('ranking_reader_position', 'gauge', 'Last commit that a reader of ranking has', (_, { readers }) =>
    (readers?.positions ?? []).map((value, reader) => ({ value, labels: { reader: String(reader) } })),
  );
  add('ranking_questions_total', 'counter', 'Questions about ranking, by who answered', (_, { readers }) => [
    { value: readers?.answered ?? 0, labels: { by: 'reader' } },
    { value: readers?.left ?? 0, labels: { by: 'ordering-thread' } },
  ]);
  add('pg_connections', 'gauge', 'Connections of PostgreSQL’s protocol', ({ counters }) =>
    one(counters.pgSessions),
  );
  add('errors_total', 'counter', 'Errors answered, by code', ({ counters }) =>
    [...counters.errors].map(([code, value]) => ({ value, labels: { code } })),
  );
  add('append_seconds', 'histogram', 'Time from an append read to its answer written', ({ counters }) =>
    histogram(
      'append_seconds',
      {
        bounds: [...LATENCY_BOUNDS_MILLIS, Number.POSITIVE_INFINITY],
        counts: counters.appendLatency,
        sum: counters.appendLatencySumMillis,
        count: counters.appends,
      },
      1e-3,
    ),
  );
}

function one(value: number): readonly Sample[] {
  return [{ value, labels: {} }];
}

/** Cumulative buckets, as Prometheus wants them; `unit` turns the snapshot's unit into the metric's. */
function histogram(name: string, snapshot: HistogramSnapshot, unit: number): readonly Sample[] {
  let below = 0;
  const buckets = snapshot.bounds.map((bound, index) => {
    below += snapshot.counts[index] ?? 0;
    const le = Number.isFinite(bound) ? Number((bound * unit).toPrecision(12)) : '+Inf';
    return { value: below, labels: { le }, metricName: `truthdb_${name}_bucket` };
  });
  return [
    ...buckets,
    { value: snapshot.sum * unit, labels: {}, metricName: `truthdb_${name}_sum` },
    { value: snapshot.count, labels: {}, metricName: `truthdb_${name}_count` },
  ];
}
