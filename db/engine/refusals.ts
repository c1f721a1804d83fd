/** What is said where nothing more can be done, and how much a request asks for. */
import { TruthError } from '../errors.ts';
import type { AppendRequest } from '../kernel/event.ts';
import type { ViewHandle } from '../materializer/index.ts';

/** Of the events of a request. */
export function bytesOf({ events }: AppendRequest): number {
  let bytes = 0;
  for (const event of events) bytes += event.data.length + event.metadata.length;
  return bytes;
}

/** What a check throws, or null. */
export function refusalOf(check: () => void): Error | null {
  try {
    check();
    return null;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Errors: VIEW_UNAVAILABLE where the view does not follow the log; `subject` begins the message. */
export function checkLive(
  view: string,
  { state, applied, error }: ViewHandle<unknown>,
  subject: string,
): void {
  if (state === 'live') return;
  const wayOut = state === 'failed' ? 'restart to rebuild it' : 'try again when it has caught up';
  const message = `${subject} stays at ${applied} (${error ?? state}); ${wayOut}`;
  throw new TruthError('VIEW_UNAVAILABLE', message, { view, applied });
}

/** What everybody hears who waits for a log that ended. */
export function writerFailed(error: Error): TruthError {
  if (error instanceof TruthError) return error;
  return new TruthError(
    'WRITER_FAILED',
    `the log's writer has ended (${error.message}): what was not answered may or may not be durable; restart the database`,
    {},
    { cause: error },
  );
}
