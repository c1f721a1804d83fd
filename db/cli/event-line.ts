/** An event on one line, for people or for programs. */
import type { Event } from '../client/index.ts';
import { eventText } from '../protocol/index.ts';

const SHOWN_CHARACTERS = 160;

export function eventLine(event: Event, json: boolean): string {
  if (json) return eventText(event);
  const data =
    event.contentType === 'json' ? Buffer.from(event.data).toString() : `${event.data.length} bytes`;
  const short = data.length > SHOWN_CHARACTERS ? `${data.slice(0, SHOWN_CHARACTERS)}…` : data;
  const at = `${event.position}`.padStart(8);
  // Names and data come from anybody: what a terminal would obey is shown as a dot.
  return printable(
    `${at}  ${event.recordedDate.toISOString()}  ${event.stream}@${event.revision}  ${event.type}  ${short}`,
  );
}

function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '·');
}
