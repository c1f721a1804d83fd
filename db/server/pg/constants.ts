/** Numbers of PostgreSQL's frontend/backend protocol 3.0 (its manual, chapter 55), as far as this server speaks it. */

const KIB = 1024;

export const PROTOCOL_3_0 = 0x0003_0000;
export const SSL_REQUEST = 0x04d2_162f;
export const GSSENC_REQUEST = 0x04d2_1630;
export const CANCEL_REQUEST = 0x04d2_162e;

/** First byte of a message. Several letters mean one thing to the server and another to the client. */
export const FROM_CLIENT = Object.freeze({
  BIND: code('B'),
  CLOSE: code('C'),
  COPY_DATA: code('d'),
  COPY_DONE: code('c'),
  COPY_FAIL: code('f'),
  DESCRIBE: code('D'),
  EXECUTE: code('E'),
  FLUSH: code('H'),
  FUNCTION_CALL: code('F'),
  PARSE: code('P'),
  /** Password, SASLInitialResponse and SASLResponse share it. */
  PASSWORD: code('p'),
  QUERY: code('Q'),
  SYNC: code('S'),
  TERMINATE: code('X'),
});

export const TO_CLIENT = Object.freeze({
  AUTHENTICATION: code('R'),
  BACKEND_KEY_DATA: code('K'),
  BIND_COMPLETE: code('2'),
  CLOSE_COMPLETE: code('3'),
  COMMAND_COMPLETE: code('C'),
  DATA_ROW: code('D'),
  EMPTY_QUERY: code('I'),
  ERROR: code('E'),
  NEGOTIATE_PROTOCOL: code('v'),
  NO_DATA: code('n'),
  NOTICE: code('N'),
  PARAMETER_DESCRIPTION: code('t'),
  PARAMETER_STATUS: code('S'),
  PARSE_COMPLETE: code('1'),
  PORTAL_SUSPENDED: code('s'),
  READY: code('Z'),
  ROW_DESCRIPTION: code('T'),
});

export const AUTHENTICATION_OK = 0;
export const AUTHENTICATION_SASL = 10;
export const AUTHENTICATION_SASL_CONTINUE = 11;
export const AUTHENTICATION_SASL_FINAL = 12;

/** Length word and code of a packet without a letter: SSLRequest, CancelRequest, StartupMessage. */
export const STARTUP_HEADER_BYTES = 8;
/** As PostgreSQL: more than this is no startup packet. */
export const STARTUP_BYTES_MAX = 10_000;
/** Largest message before the client has proved who it is. */
export const LOGIN_BYTES_MAX = 4 * KIB;
/** Most parameters of a statement: what the protocol's 16 bits hold. */
export const PARAMETERS_MAX = 65_535;
/** Names of statements and portals: as PostgreSQL's identifiers, but generous. */
export const NAME_BYTES_MAX = 256;
/** Prepared statements, and open portals, of one connection. */
export const STATEMENTS_MAX = 1000;
export const PORTALS_MAX = 256;
/** Rows are handed to the socket in pieces of about this. */
export const ROWS_BYTES_TARGET = 64 * KIB;
/** What is read ahead of the statement that is being carried out. */
export const READ_AHEAD_BYTES = 64 * KIB;

function code(letter: string): number {
  return letter.charCodeAt(0);
}
