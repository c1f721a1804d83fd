/** Measurements of a made-up weather network: the same events in every clone, on every day. */
import { createHash } from 'node:crypto';
import { uuidFromHash } from '../../db/cli/import-id.ts';
import type { ImportedEvent } from '../../db/cli/import-jsonl.ts';
import { formatUuid } from '../../db/protocol/index.ts';

const STATIONS = 25;
const HOURS = 48;
const START = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;

/** Hour by hour, each station reports once: 1,200 events in 25 streams. */
export function generatedEvents(): ImportedEvent[] {
  const events: ImportedEvent[] = [];
  for (let hour = 0; hour < HOURS; hour += 1) {
    for (let station = 1; station <= STATIONS; station += 1) events.push(report(station, hour));
  }
  return events;
}

/** The same as lines of JSON, as `truthdb import FILE` reads them. */
export function generatedLines(): string {
  const lines = generatedEvents().map(({ stream, event }) => {
    const data: unknown = JSON.parse(Buffer.from(event.data).toString());
    return `${JSON.stringify({ stream, id: formatUuid(event.id), type: event.type, data })}\n`;
  });
  return lines.join('');
}

function report(station: number, hour: number): ImportedEvent {
  const stream = `weather/station-${String(station).padStart(2, '0')}`;
  const at = new Date(START + hour * HOUR_MS).toISOString();
  return {
    stream,
    event: {
      id: uuidFromHash(createHash('sha256').update(`${stream} ${at}`).digest()),
      type: 'measured',
      contentType: 'json',
      data: Buffer.from(JSON.stringify({ at, ...measurement(station, hour) })),
      metadata: Buffer.alloc(0),
    },
  };
}

/** A temperature with a daily swing that differs from station to station, in tenths so that it prints the same everywhere. */
function measurement(station: number, hour: number): { celsius: number; humidity: number } {
  const swing = 8 - Math.abs((hour % 24) - 15);
  const tenths = station * 7 + swing * 5 + ((hour * station) % 11);
  return { celsius: tenths / 10, humidity: 40 + ((station * 13 + hour * 3) % 50) };
}
