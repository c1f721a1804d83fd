/**
 * An event as one line of JSON: what HTTP answers, `truthdb read --json` prints and `truthdb import` takes back. The
 * data is embedded as it was written, digit for digit; what is not JSON is given in base64.
 */
import { Buffer, isUtf8 } from 'node:buffer';

export interface EventText {
  readonly stream: string;
  readonly revision: number;
  readonly position: number;
  readonly recordedAt: bigint;
  readonly id: string;
  readonly type: string;
  readonly contentType: 'json' | 'binary';
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

const NANOS_PER_MILLI = 1_000_000n;
const NANOS_PER_SECOND = 1_000_000_000n;

export function eventText(event: EventText): string {
  const head = JSON.stringify({
    stream: event.stream,
    revision: event.revision,
    position: event.position,
    recordedAt: isoNanos(event.recordedAt),
    id: event.id,
    type: event.type,
  });
  const data = bytesText('data', event.data, event.contentType === 'json');
  const metadata = event.metadata.length === 0 ? '' : `,${bytesText('metadata', event.metadata, true)}`;
  return `${head.slice(0, -1)},${data}${metadata}}`;
}

function bytesText(name: string, bytes: Uint8Array, maybeJson: boolean): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (maybeJson && isUtf8(buffer)) {
    const text = buffer.toString();
    // Line breaks in JSON stand between tokens only: taking them out keeps it one line and the same value.
    if (isJson(text)) return `"${name}":${text.replace(/[\r\n]+/g, ' ')}`;
  }
  return `"${name}Base64":"${buffer.toString('base64')}"`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** 2026-01-02T03:04:05.123456789Z */
function isoNanos(nanos: bigint): string {
  const seconds = new Date(Number(nanos / NANOS_PER_MILLI)).toISOString().slice(0, 19);
  return `${seconds}.${String(nanos % NANOS_PER_SECOND).padStart(9, '0')}Z`;
}
