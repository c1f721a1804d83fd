/**
 * The program `bench hot-path` watches from outside: `hot-path-load.ts DIRECTORY ENTRIES BATCH IN_FLIGHT WARM_UP`
 * appends that many entries to a new log, after a warm-up, and says on standard output where the measured part begins
 * and ends, with what its own thread had allocated by then.
 */
import { randomBytes } from 'node:crypto';
import { getHeapStatistics } from 'node:v8';
import { RealDisk, realClock } from '../../db/io/index.ts';
import type { RecordedAt, Sequence, TenantId } from '../../db/types.ts';
import { type EntryDraft, initLog, type OpenedLog, openLog } from '../../db/wal/index.ts';

const PAYLOAD_BYTES = 64;
const BEGIN = 'measured part begins';
const END = 'measured part ends';

const [directory = '', ...numbers] = process.argv.slice(2);
const [entries = 0, batch = 1, inFlight = 1, warmUp = 0] = numbers.map(Number);

const disk = new RealDisk();
initLog({ directory, disk, random: randomBytes, segmentBytes: 256 * 1024 * 1024 });
const log = await openLog({ directory, disk, clock: realClock, random: randomBytes });
await appendAll(log, warmUp);
say(BEGIN);
await appendAll(log, entries);
say(END);
await log.close();

function say(mark: string): void {
  const { total_allocated_bytes } = getHeapStatistics();
  process.stdout.write(`\n${JSON.stringify({ mark, allocated: total_allocated_bytes })}\n`);
}

/** Keeps `inFlight` commands of `batch` entries under way; the drafts are made once, as a kernel would reuse its own. */
function appendAll(to: OpenedLog, count: number): Promise<void> {
  const payload = randomBytes(PAYLOAD_BYTES);
  const draft: EntryDraft = { type: 16, tenant: 0 as TenantId, partitionKey: 1n, flags: 0, payload };
  const command = Array.from({ length: batch }, () => draft);
  const waiting = new Float64Array(inFlight);
  const recordedAt = BigInt(Date.now()) as RecordedAt;
  let [left, head, tail] = [Math.ceil(count / batch), 0, 0];
  return new Promise((resolve, reject) => {
    const submit = (): void => {
      while (left > 0 && tail - head < inFlight) {
        waiting[tail++ % inFlight] = to.append(command, recordedAt).last;
        left -= 1;
      }
      to.flush();
    };
    const stopWaiting = to.onStable((stable: Sequence) => {
      while (head < tail && waiting[head % inFlight]! < stable) head += 1;
      if (left > 0) return submit();
      if (head < tail) return;
      stopWaiting();
      stopFailing();
      resolve();
    });
    const stopFailing = to.onFailure(reject);
    submit();
  });
}
