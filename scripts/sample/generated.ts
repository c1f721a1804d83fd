/** Measurements of a made-up weather network: the same events in every clone, on every day. */
import { idFromText } from './id.ts';
import type { SampleEvent } from './index.ts';

const STATIONS = 25;
const HOURS = 48;
const START = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;

/** Hour by hour, each station reports once: 1,200 events in 25 streams. */
export function generatedEvents(): SampleEvent[] {
  const events: SampleEvent[] = [];
  for (let hour = 0; hour < HOURS; hour += 1) {
    for (let station = 1; station <= STATIONS; station += 1) {
      const stream = `weather/station-${String(station).padStart(2, '0')}`;
      const at = new Date(START + hour * HOUR_MS).toISOString();
      events.push({
        stream,
        id: idFromText(`${stream} ${at}`),
        type: 'measured',
        data: measurement(station, hour, at),
      });
    }
  }
  return events;
}

/** A temperature with a daily swing that differs from station to station, in tenths so that it prints the same everywhere. */
function measurement(station: number, hour: number, at: string): SampleEvent['data'] {
  const ofDay = hour % 24;
  const swing = 8 - Math.abs(ofDay - 15);
  const tenths = station * 7 + swing * 5 + ((hour * station) % 11);
  return { at, celsius: tenths / 10, humidity: 40 + ((station * 13 + hour * 3) % 50) };
}
