/**
 * Events and streams as people outside see them: what wire, HTTP, CLI and SDK parse into and print from.
 * The words are the kernel's, because it decides over them; everybody above imports them from here.
 */
export type {
  AppendRequest,
  AppendResult,
  EventDraft,
  EventPage,
  ExpectedRevision,
  RecordedEvent,
  StreamName,
} from '../kernel/event.ts';
export { eventType, streamName } from '../kernel/names.ts';
export { PackedDraft } from '../kernel/packed-draft.ts';
