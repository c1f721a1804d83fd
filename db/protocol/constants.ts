/**
 * Numbers of wire protocol versions 1 to 5, all in one place. A number that was ever released is never reused.
 * Everything is little-endian; text is UTF-8; `id` is 16 bytes, `hash` 32.
 */
import { layout } from './layout.ts';
import { RANKING_LAYOUTS } from './ranking-constants.ts';
import { SQL_LAYOUTS } from './sql-constants.ts';

/** "TRDB" as a little-endian u32: the first field of HELLO, so that a stranger is recognised at once. */
export const PROTOCOL_MAGIC = 0x4244_5254;

/** Versions this build speaks. The frame header, HELLO, WELCOME and ERROR keep their form in all versions. */
export const PROTOCOL_VERSION_MIN = 1;
export const PROTOCOL_VERSION_MAX = 5;
/** From this version on a log stream knows its receiver by name, hears what it has made durable, and tells of gaps. */
export const PROTOCOL_VERSION_FOLLOWERS = 2;
/** From this version on there are statements of SQL. */
export const PROTOCOL_VERSION_SQL = 3;
/** From this version on there is ranking. */
export const PROTOCOL_VERSION_RANKING = 4;
/** From this version on an append can name the person its stream is about. */
export const PROTOCOL_VERSION_SUBJECTS = 4;
/** From this version on the answer to a statement can say what it leaves out. */
export const PROTOCOL_VERSION_NOTICES = 5;

export const DEFAULT_PORT = 9650;
export const DEFAULT_HTTP_PORT = 9651;
/** PostgreSQL's protocol. */
export const DEFAULT_PG_PORT = 9652;

const KIB = 1024;
const MIB = 1024 * KIB;

/** Largest body before WELCOME: a stranger cannot make the server hold more. */
export const HELLO_BODY_BYTES_MAX = 4 * KIB;
/** Largest body a server may be configured to take. */
export const BODY_BYTES_CEILING = 64 * MIB;
/** Largest body unless configured otherwise: the largest event (16 MiB) and its framing. */
export const BODY_BYTES_DEFAULT = 17 * MIB;
/** A page or a subscription frame is closed once it holds this many bytes; one larger event travels alone. */
export const PAGE_BYTES_TARGET = 256 * KIB;
/** Most events one READ may ask for. */
export const PAGE_EVENTS_MAX = 10_000;
/** Most events one APPEND may carry. */
export const APPEND_EVENTS_MAX = 10_000;
/** Credit a client of ours gives a subscription, in bytes. */
export const SUBSCRIPTION_CREDIT_DEFAULT = 1 * MIB;
/** Most credit a subscription may hold, in bytes. */
export const SUBSCRIPTION_CREDIT_MAX = 64 * MIB;
/** Subscriptions per connection. */
export const SUBSCRIPTIONS_MAX = 256;

export const STREAM_NAME_BYTES_MAX = 512;
/** 256 characters of at most three bytes per unit of UTF-16. */
export const SUBJECT_BYTES_MAX = 768;
export const EVENT_TYPE_BYTES_MAX = 256;
export const TOKEN_BYTES_MAX = 256;
export const CLIENT_NAME_BYTES_MAX = 128;
export const FOLLOWER_NAME_BYTES_MAX = 64;

/** Kind of a frame. Below 64 they go to the server, from 64 on to the client. */
export const KIND = Object.freeze({
  HELLO: 1,
  APPEND: 2,
  READ_STREAM: 3,
  READ_ALL: 4,
  SUBSCRIBE: 5,
  CREDIT: 6,
  CANCEL: 7,
  PING: 8,
  PONG: 9,
  STATUS: 10,
  ADMIN: 11,
  STREAM_LOG: 12,
  LOG_KEPT: 13,
  SQL_PREPARE: 14,
  SQL_EXECUTE: 15,
  SQL_CLOSE: 16,
  RANK: 17,
  SIGNALS: 18,
  WELCOME: 64,
  APPENDED: 65,
  PAGE: 66,
  EVENTS: 67,
  ENDED: 68,
  SERVER_PING: 69,
  SERVER_PONG: 70,
  REPLY: 71,
  LOG_SEGMENT: 72,
  LOG_BYTES: 73,
  LOG_END: 74,
  LOG_GAP: 75,
  SQL_PREPARED: 76,
  SQL_RESULT: 77,
  RANKED: 78,
  ERROR: 127,
});

export type KindName = keyof typeof KIND;

export const KIND_MEANINGS: Readonly<Record<KindName, string>> = Object.freeze({
  HELLO: 'first frame of a connection: versions, token, name of the client',
  APPEND: 'append events to one stream; answered by APPENDED or ERROR',
  READ_STREAM: 'one page of a stream; answered by PAGE or ERROR',
  READ_ALL: 'one page of the whole log; answered by PAGE or ERROR',
  SUBSCRIBE: 'events after a position, then live; answered by EVENTS … until ENDED or ERROR',
  CREDIT: 'allows a subscription or log stream that many bytes more; not answered',
  CANCEL:
    'ends a subscription, log stream or statement; answered by its ENDED, a statement by ERROR or its result',
  PING: 'answered by SERVER_PONG',
  PONG: 'answer to SERVER_PING',
  STATUS: 'state of the server; answered by REPLY',
  ADMIN: 'administration of tokens and snapshots; answered by REPLY or ERROR',
  STREAM_LOG:
    'bytes of the log behind a place, then live; answered by LOG_SEGMENT, LOG_BYTES, LOG_GAP and LOG_END until ENDED or ERROR',
  LOG_KEPT: 'what the follower of a log stream has made durable; not answered',
  SQL_PREPARE: 'reads a statement and keeps it under a number; answered by SQL_PREPARED or ERROR',
  SQL_EXECUTE: 'carries out a statement; answered by SQL_RESULT … or ERROR',
  SQL_CLOSE: 'forgets a prepared statement, or ends a session and its transaction; not answered',
  RANK: 'a statement or command of the ranking layer, as JSON; answered by RANKED or ERROR',
  SIGNALS: 'a batch of signals; answered by RANKED or ERROR',
  WELCOME: 'answer to HELLO: the version spoken and the limits of this server',
  APPENDED: 'the events are in the log',
  PAGE: 'events of a READ',
  EVENTS: 'events of a subscription',
  ENDED: 'the subscription or log stream is over; nothing more comes under its request id',
  SERVER_PING: 'sent to a silent client; a client that answers nothing is closed',
  SERVER_PONG: 'answer to PING',
  REPLY: 'answer to STATUS and ADMIN, as JSON',
  LOG_SEGMENT: 'a segment begins: its identity and header',
  LOG_BYTES: 'bytes of that segment, as they lie in its file',
  LOG_END: 'where the stable log ends now',
  LOG_GAP: 'a stretch of the log that was lost and isolated: no bytes of it come',
  SQL_PREPARED: 'types of the statement’s parameters and of the columns it returns',
  SQL_RESULT: 'rows of a statement; the last one says what was done',
  RANKED: 'what a statement, command or batch of the ranking layer came to, as JSON',
  ERROR: 'the request failed; with request id 0 the connection itself did and is closed',
});

export const FRAME_HEADER = layout(
  'Frame header',
  [
    ['checksum', 'u32', 'low half of xxHash64 (seed 0) of everything after this field, body included'],
    ['length', 'u32', 'bytes of the body'],
    ['request', 'u32', 'chosen by the client, not 0; the answer carries it back. 0: about the connection'],
    ['kind', 'u8', 'see the table of kinds'],
    ['flags', 'u8', 'zero'],
    ['reserved', 'u16', 'zero'],
  ],
  'body',
);

const HELLO_BODY = layout(
  'HELLO',
  [
    ['magic', 'u32', '0x42445254, the bytes `TRDB`'],
    ['versionMin', 'u16', 'lowest version the client speaks'],
    ['versionMax', 'u16', 'highest version the client speaks'],
    ['tokenBytes', 'u16', 'bytes of the token; 0 on the local socket'],
    ['nameBytes', 'u16', 'bytes of the name'],
  ],
  'token, name of the client software',
);

const WELCOME_BODY = layout(
  'WELCOME',
  [
    ['version', 'u16', 'version both speak from here on'],
    ['reserved', 'u16', 'zero'],
    ['bodyBytesMax', 'u32', 'largest body this server takes'],
    ['inFlightMax', 'u32', 'requests read ahead of their answers; beyond, the server stops reading'],
    ['appendEventsMax', 'u32', 'most events in one APPEND'],
    ['stable', 'u64', 'last stable position'],
    ['logId', 'id', 'identity of the log'],
    ['epoch', 'u32', 'epoch of the log'],
    ['nameBytes', 'u16', 'bytes of the name'],
    ['reserved2', 'u16', 'zero'],
  ],
  'name and version of the server software',
);

const APPEND_BODY = layout(
  'APPEND',
  [
    ['expected', 'u8', '0 any, 1 stream must not exist, 2 stream must exist, 3 exactly expectedRevision'],
    ['ack', 'u8', '0 applied (a later read sees it), 1 durable'],
    ['durability', 'u8', '0 as the log is set, 1 async, 2 sync, 3 group_sync'],
    ['reserved', 'u8', 'zero'],
    ['count', 'u32', 'number of events, at least 1'],
    ['expectedRevision', 'u64', 'with expected = 3, else zero'],
    ['streamBytes', 'u16', 'bytes of the stream name'],
    [
      'subjectBytes',
      'u16',
      'bytes of the handle of the person the stream is about; 0: none is named. Zero before version 4',
    ],
    ['reserved2', 'u32', 'zero'],
  ],
  'stream name, handle of the person, then the events',
);

export const EVENT_DRAFT = layout(
  'Event in APPEND',
  [
    ['id', 'id', 'a UUID; the same id with the same bytes is answered as before'],
    ['dataBytes', 'u32', 'bytes of the data'],
    ['metadataBytes', 'u32', 'bytes of the metadata'],
    ['typeBytes', 'u16', 'bytes of the type, 1 to 256'],
    ['contentType', 'u8', '0 binary, 1 JSON'],
    ['reserved', 'u8', 'zero'],
  ],
  'type, data, metadata',
);

const APPENDED_BODY = layout('APPENDED', [
  ['firstRevision', 'u64', 'revision of the first event'],
  ['lastRevision', 'u64', 'revision of the last event'],
  ['position', 'u64', 'position of the last event'],
  ['flags', 'u32', 'bit 0 duplicate: nothing new was written; bit 1 durable'],
  ['reserved', 'u32', 'zero'],
]);
export const APPENDED_DUPLICATE = 1;
export const APPENDED_DURABLE = 2;

const READ_STREAM_BODY = layout(
  'READ_STREAM',
  [
    ['from', 'u64', 'revision; all ones: from the start (forwards) or the end (backwards)'],
    ['limit', 'u32', 'most events wanted, 1 to 10,000'],
    ['direction', 'u8', '0 forwards, 1 backwards'],
    ['reserved', 'u8', 'zero'],
    ['streamBytes', 'u16', 'bytes of the stream name'],
  ],
  'stream name',
);

const READ_ALL_BODY = layout('READ_ALL', [
  ['from', 'u64', 'position; all ones: from the start (forwards) or the end (backwards)'],
  ['limit', 'u32', 'most events wanted, 1 to 10,000'],
  ['direction', 'u8', '0 forwards, 1 backwards'],
  ['reserved', 'u8', 'zero'],
  ['reserved2', 'u16', 'zero'],
]);

const SUBSCRIBE_BODY = layout(
  'SUBSCRIBE',
  [
    ['after', 'u64', 'position; the first event delivered is the next one'],
    ['credit', 'u32', 'bytes of EVENTS frames the server may send before the next CREDIT'],
    ['streamBytes', 'u16', 'bytes of the stream name; 0: all streams'],
    ['reserved', 'u16', 'zero'],
  ],
  'stream name',
);

const CREDIT_BODY = layout('CREDIT', [['bytes', 'u32', 'added to the credit of the subscription']]);

const PAGE_BODY = layout(
  'PAGE and EVENTS',
  [
    ['count', 'u32', 'number of events'],
    [
      'flags',
      'u32',
      'bit 0: end, nothing more in this direction now (PAGE); caught up with the log (EVENTS)',
    ],
    ['next', 'u64', 'where to go on: `from` of the next READ, `after` of a later SUBSCRIBE'],
  ],
  'the events',
);
export const PAGE_END = 1;

export const RECORDED_EVENT = layout(
  'Event in PAGE and EVENTS',
  [
    ['position', 'u64', 'place in the log'],
    ['revision', 'u64', 'place in its stream, from 0'],
    ['recordedAt', 'u64', 'nanoseconds since 1970-01-01T00:00:00Z'],
    ['id', 'id', 'the UUID it was appended with'],
    ['dataBytes', 'u32', 'bytes of the data'],
    ['metadataBytes', 'u32', 'bytes of the metadata'],
    ['streamBytes', 'u16', 'bytes of the stream name'],
    ['typeBytes', 'u16', 'bytes of the type'],
    ['contentType', 'u8', '0 binary, 1 JSON'],
    ['reserved', 'u8', 'zero'],
    ['reserved2', 'u16', 'zero'],
  ],
  'stream name, type, data, metadata',
);

const STREAM_LOG_BODY = layout(
  'STREAM_LOG',
  [
    ['after', 'u64', 'last sequence the receiver has; 0: none. All ones: from wherever the log begins'],
    ['credit', 'u32', 'bytes of frames the server may send before the next CREDIT'],
    ['nameBytes', 'u16', 'bytes of the follower’s name, at most 64; 0: none. Zero in version 1'],
    ['flags', 'u16', 'bit 0: the receiver knows LOG_GAP. Zero in version 1'],
    [
      'segment',
      'u64',
      'index of the segment in which `after` ends; 0: not known, begin with the group that holds the next sequence',
    ],
    ['offset', 'u64', 'offset in that segment’s file behind `after`; zero with segment 0'],
    ['chain', 'hash', 'chain of the log after `after`; zero with segment 0'],
  ],
  'the follower’s name: the source keeps the log for it from `after` on, also while it is not connected',
);
export const STREAM_LOG_KNOWS_GAPS = 1;

const LOG_KEPT_BODY = layout('LOG_KEPT', [
  ['sequence', 'u64', 'everything up to there is on the follower’s disk'],
]);

const LOG_SEGMENT_BODY = layout(
  'LOG_SEGMENT',
  [
    ['index', 'u64', 'ordinal of the segment in the log'],
    ['firstSequence', 'u64', 'sequence of its first entry'],
    ['offset', 'u64', 'where in the file the bytes that follow begin'],
  ],
  'header of the segment',
);

const LOG_BYTES_BODY = layout(
  'LOG_BYTES',
  [['offset', 'u64', 'where in the segment’s file they lie; directly behind those before']],
  'bytes of the file; a frame may end inside an entry',
);

const LOG_END_BODY = layout('LOG_END', [
  ['sequence', 'u64', 'last stable sequence'],
  ['recordedAt', 'u64', 'recorded-at of the last stable commit, nanoseconds since 1970'],
  ['segment', 'u64', 'index of the segment in which it lies'],
  ['offset', 'u64', 'offset in that segment behind it'],
  [
    'flags',
    'u32',
    'bit 0: all of it has been sent; without it, recordedAt and offset are at most what they should be',
  ],
  ['reserved', 'u32', 'zero'],
]);
export const LOG_END_CAUGHT_UP = 1;

const LOG_GAP_BODY = layout('LOG_GAP', [
  ['segment', 'u64', 'index of the segment'],
  ['offset', 'u64', 'where in its file the lost bytes begin; 0: the whole file is gone'],
  ['end', 'u64', 'where they end; the segment’s size: the log goes on in the next segment'],
  ['from', 'u64', 'first sequence lost'],
  ['to', 'u64', 'last sequence lost'],
]);

const ERROR_BODY = layout(
  'ERROR',
  [
    ['code', 'u16', 'see the table of errors'],
    ['messageBytes', 'u16', 'bytes of the message'],
    ['detailsBytes', 'u32', 'bytes of the details, a JSON object of plain values; 0: none'],
  ],
  'message, details',
);

/** Layouts in the order in which the document shows them. */
export const LAYOUTS = [
  FRAME_HEADER,
  HELLO_BODY,
  WELCOME_BODY,
  APPEND_BODY,
  EVENT_DRAFT,
  APPENDED_BODY,
  READ_STREAM_BODY,
  READ_ALL_BODY,
  SUBSCRIBE_BODY,
  CREDIT_BODY,
  PAGE_BODY,
  RECORDED_EVENT,
  STREAM_LOG_BODY,
  LOG_SEGMENT_BODY,
  LOG_BYTES_BODY,
  LOG_END_BODY,
  LOG_GAP_BODY,
  LOG_KEPT_BODY,
  ...SQL_LAYOUTS,
  ...RANKING_LAYOUTS,
  ERROR_BODY,
] as const;
