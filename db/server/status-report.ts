/** The engine's state as one JSON object: what `truthdb status --json`, STATUS frames and GET /v1/status show. */
import type { EngineStatus } from '../engine.ts';
import type { HistogramSnapshot } from '../wal/log.ts';

const PERCENT_50 = 0.5;
const PERCENT_99 = 0.99;

export function statusReport(status: EngineStatus) {
  const { log } = status;
  return {
    state: log.failed === null ? (status.readOnly === null ? 'serving' : 'read-only') : 'writer-failed',
    reason: log.failed ?? status.readOnly,
    following: status.following,
    copies: status.copies,
    followers: status.followers,
    logId: Buffer.from(log.identity.logId).toString('hex'),
    epoch: log.epoch,
    events: status.events,
    streams: status.streams,
    tables: status.tables,
    sqlCommandsWaiting: status.commandsWaiting,
    sqlQueries: status.queries,
    rankingReaders: status.readers,
    log: {
      first: status.beginning.first,
      stable: log.stable,
      next: log.next,
      pruned: prunedPart(status.beginning),
      durability: log.durability,
      hash: log.identity.hash,
      segments: log.segments,
      segmentBytes: log.identity.segmentBytes,
      entryBytesMax: log.identity.entryBytesMax,
      bytesWritten: log.bytesWritten,
      bytesZeroFilled: log.bytesZeroFilled,
      queue: { entries: log.queueEntries, bytes: log.queueBytes, bytesMax: log.queueBytesMax },
      appendsInFlight: status.inFlight,
      busyFraction: log.busyFraction,
      writeMicros: summary(log.writeMicros),
      syncMicros: summary(log.syncMicros),
      groupEntries: summary(log.groupEntries),
    },
    scrub: status.scrub,
    proofs: status.proofs,
    snapshots: status.snapshots,
    memory: status.memory,
    views: status.views.map((view) => ({
      name: view.name,
      version: view.version,
      state: view.state,
      applied: view.applied,
      checkpoint: view.checkpoint,
      memory: view.memory,
      error: view.error,
    })),
  };
}

/** What is no longer in the log's own directory, and where it is read from; null when all is there. */
function prunedPart({ floor, archives, problem }: EngineStatus['beginning']) {
  return floor === 1 ? null : { before: floor, archives, problem };
}

function summary(histogram: HistogramSnapshot) {
  return {
    count: histogram.count,
    mean: histogram.count === 0 ? 0 : histogram.sum / histogram.count,
    p50: quantile(histogram, PERCENT_50),
    p99: quantile(histogram, PERCENT_99),
  };
}

/** Upper bound of the bucket in which the quantile lies; null when it lies beyond the last bound or there is nothing. */
function quantile(histogram: HistogramSnapshot, fraction: number): number | null {
  const wanted = histogram.count * fraction;
  let seen = 0;
  for (const [index, count] of histogram.counts.entries()) {
    seen += count;
    if (seen >= wanted && seen > 0) {
      const bound = histogram.bounds[index];
      return bound === undefined || !Number.isFinite(bound) ? null : bound;
    }
  }
  return null;
}
