/**
 * `protocol/` is the wire protocol of TruthDB, typed in one place: server and client both stand on it and on nothing of
 * each other. Bytes from a socket come in through FrameReader, which hands out one checked frame at a time; messages
 * are read from its body by the decode functions and written into a ByteWriter by the encode functions beside them.
 *
 * The numbers are in constants.ts, the story in docs/wire-protocol.md. May import errors, types, hash and the words of
 * events; knows no sockets.
 */
export * from './appends.ts';
export { ByteReader } from './byte-reader.ts';
export { ByteWriter } from './byte-writer.ts';
export { CarryPool } from './carry-pool.ts';
export * from './connection-string.ts';
export * from './constants.ts';
export { type EventText, eventText } from './event-text.ts';
export { FrameReader } from './frame-reader.ts';
export * from './handshake.ts';
export { jsonText, parseJson } from './json.ts';
export * from './log-stream.ts';
export * from './ranking.ts';
export { SIGNALS_MAX } from './ranking-constants.ts';
export * from './reads.ts';
export * from './replies.ts';
export * from './sql.ts';
export * from './sql-constants.ts';
export * from './sql-rows.ts';
export { protocolTables } from './tables.ts';
export { formatUuid, newUuid, parseUuid } from './uuid.ts';
