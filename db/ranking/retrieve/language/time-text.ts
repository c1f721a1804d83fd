/** Times as the printer writes them: ISO 8601 in UTC, to the microsecond. */
import type { Micros } from '../../ground.ts';

const MICROS_PER_MILLI = 1_000;

/** `2026-01-31T12:30:00Z`, with a fraction only where there is one. Errors: none within the times that numbers hold exactly. */
export function formatTime(micros: Micros): string {
  const millis = Math.floor(micros / MICROS_PER_MILLI);
  const rest = micros - millis * MICROS_PER_MILLI;
  const iso = new Date(millis).toISOString();
  const fraction = `${iso.slice(20, 23)}${String(rest).padStart(3, '0')}`.replace(/0+$/, '');
  return `${iso.slice(0, 19)}${fraction === '' ? '' : `.${fraction}`}Z`;
}
