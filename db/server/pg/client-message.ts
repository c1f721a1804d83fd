/** What a client may say, read from the bodies of its messages into values that hold on to nothing of the socket's memory. */
import { TruthError } from '../../errors.ts';
import type { BodyReader } from './body-reader.ts';
import {
  CANCEL_REQUEST,
  FROM_CLIENT,
  GSSENC_REQUEST,
  NAME_BYTES_MAX,
  PROTOCOL_3_0,
  SSL_REQUEST,
} from './constants.ts';

export type StartupPacket =
  | { readonly packet: 'ssl' }
  | { readonly packet: 'gssenc' }
  | { readonly packet: 'cancel'; readonly process: number; readonly secret: Uint8Array }
  | {
      readonly packet: 'startup';
      /** Minor version asked for; 0 is spoken. */
      readonly minor: number;
      /** By name; of a name given twice the last. */
      readonly parameters: ReadonlyMap<string, string>;
    };

export type Target = 'statement' | 'portal';
/** 0 text, 1 binary. */
export type FormatCode = 0 | 1;

export interface BindMessage {
  readonly message: 'bind';
  readonly portal: string;
  readonly statement: string;
  /** None: all text; one: for all; else one each. */
  readonly formats: readonly FormatCode[];
  readonly values: readonly (Uint8Array | null)[];
  readonly resultFormats: readonly FormatCode[];
}

export type ClientMessage =
  | { readonly message: 'query'; readonly text: string }
  | {
      readonly message: 'parse';
      readonly statement: string;
      readonly text: string;
      /** 0: not said. */
      readonly parameterTypes: readonly number[];
    }
  | BindMessage
  | { readonly message: 'describe' | 'close'; readonly what: Target; readonly name: string }
  | { readonly message: 'execute'; readonly portal: string /** 0: all. */; readonly rowsMax: number }
  | { readonly message: 'flush' | 'sync' | 'terminate' | 'copy' | 'function call' }
  | { readonly message: 'password'; readonly bytes: Uint8Array }
  /** A message with a text that is none: it fails as what it was sent as, Query where it is `simple`. */
  | { readonly message: 'garbled'; readonly simple: boolean; readonly error: TruthError };

const MAJOR_3 = 3;
const SECRET_BYTES = 4;
const PARAMETERS_OF_STARTUP_MAX = 100;

/** Errors: PROTOCOL, UNSUPPORTED_VERSION. */
export function readStartup(body: BodyReader): StartupPacket {
  const code = body.u32('the code of a startup packet');
  if (code === SSL_REQUEST || code === GSSENC_REQUEST) {
    body.done('a request for encryption');
    return { packet: code === SSL_REQUEST ? 'ssl' : 'gssenc' };
  }
  if (code === CANCEL_REQUEST) {
    const process = body.u32('process');
    const secret = body.bytes(SECRET_BYTES, 'secret');
    body.done('CancelRequest');
    return { packet: 'cancel', process, secret };
  }
  if (code >>> 16 !== MAJOR_3) {
    throw new TruthError(
      'UNSUPPORTED_VERSION',
      `a startup packet asks for version ${code >>> 16}.${code & 0xffff}: this port speaks PostgreSQL's protocol, version 3`,
      { sqlstate: '0A000' },
    );
  }
  return { packet: 'startup', minor: code - PROTOCOL_3_0, parameters: readParameters(body) };
}

function readParameters(body: BodyReader): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (;;) {
    const name = body.text('the name of a startup parameter');
    if (name === '') break;
    parameters.set(name, body.text(`the startup parameter ${name.slice(0, NAME_BYTES_MAX)}`));
    if (parameters.size > PARAMETERS_OF_STARTUP_MAX) {
      throw new TruthError(
        'PROTOCOL',
        `a startup packet has more than ${PARAMETERS_OF_STARTUP_MAX} parameters`,
      );
    }
  }
  body.done('a startup packet');
  return parameters;
}

/** Errors: PROTOCOL. */
export function readMessage(kind: number, body: BodyReader): ClientMessage {
  let message: ClientMessage;
  try {
    message = readKnown(kind, body);
  } catch (error) {
    // A text that is no UTF-8; where the message ends is known all the same.
    if (!(error instanceof TruthError) || error.code !== 'INVALID_ARGUMENT') throw error;
    return { message: 'garbled', simple: kind === FROM_CLIENT.QUERY, error };
  }
  body.done(message.message);
  return message;
}

function readKnown(kind: number, body: BodyReader): ClientMessage {
  switch (kind) {
    case FROM_CLIENT.QUERY:
      return { message: 'query', text: body.text('the text of a query') };
    case FROM_CLIENT.PARSE:
      return {
        message: 'parse',
        statement: name(body, 'the name of a statement'),
        text: body.text('the text of a statement'),
        parameterTypes: body.numbers('parameter types', 4),
      };
    case FROM_CLIENT.BIND:
      return readBind(body);
    case FROM_CLIENT.DESCRIBE:
    case FROM_CLIENT.CLOSE:
      return {
        message: kind === FROM_CLIENT.CLOSE ? 'close' : 'describe',
        what: target(body),
        name: name(body, 'a name'),
      };
    case FROM_CLIENT.EXECUTE:
      return readExecute(body);
    case FROM_CLIENT.PASSWORD:
      return { message: 'password', bytes: body.bytes(body.remaining, 'password') };
    case FROM_CLIENT.FLUSH:
      return { message: 'flush' };
    case FROM_CLIENT.SYNC:
      return { message: 'sync' };
    case FROM_CLIENT.TERMINATE:
      return { message: 'terminate' };
    default:
      return readRefused(kind, body);
  }
}

/** What is known and not done here: its body does not matter. */
function readRefused(kind: number, body: BodyReader): ClientMessage {
  body.bytes(body.remaining, 'body');
  if (kind === FROM_CLIENT.FUNCTION_CALL) return { message: 'function call' };
  const copy: readonly number[] = [FROM_CLIENT.COPY_DATA, FROM_CLIENT.COPY_DONE, FROM_CLIENT.COPY_FAIL];
  if (copy.includes(kind)) return { message: 'copy' };
  throw new TruthError(
    'PROTOCOL',
    `a message begins with ${describe(kind)}, which no message of a client does`,
  );
}

function readBind(body: BodyReader): BindMessage {
  const portal = name(body, 'the name of a portal');
  const statement = name(body, 'the name of a statement');
  const formats = body.numbers('parameter formats', 2).map(format);
  const count = body.u16('the number of parameters');
  if (formats.length > 1 && formats.length !== count) {
    throw new TruthError(
      'PROTOCOL',
      `Bind has ${formats.length} formats for ${count} parameters; one, none or one each are possible`,
    );
  }
  const values: (Uint8Array | null)[] = [];
  for (let index = 0; index < count; index++) {
    const length = body.i32('the length of a parameter');
    values.push(length === -1 ? null : body.bytes(length, `parameter $${index + 1}`));
  }
  const resultFormats = body.numbers('result formats', 2).map(format);
  return { message: 'bind', portal, statement, formats, values, resultFormats };
}

function readExecute(body: BodyReader): ClientMessage {
  const portal = name(body, 'the name of a portal');
  // PostgreSQL takes a negative number for all rows, too.
  const rowsMax = Math.max(0, body.i32('the number of rows'));
  return { message: 'execute', portal, rowsMax };
}

function name(body: BodyReader, field: string): string {
  const text = body.text(field);
  if (text.length > NAME_BYTES_MAX) {
    throw new TruthError('PROTOCOL', `${field} has ${text.length} characters; ${NAME_BYTES_MAX} are allowed`);
  }
  return text;
}

function target(body: BodyReader): Target {
  const kind = body.u8('what is meant');
  if (kind === 0x53) return 'statement';
  if (kind === 0x50) return 'portal';
  throw new TruthError('PROTOCOL', `${describe(kind)} stands where S (statement) or P (portal) is needed`);
}

function format(number: number): FormatCode {
  if (number === 0 || number === 1) return number;
  throw new TruthError('PROTOCOL', `${number} is no format; 0 (text) and 1 (binary) are`);
}

function describe(kind: number): string {
  return kind > 0x20 && kind < 0x7f ? `"${String.fromCharCode(kind)}"` : `the byte ${kind}`;
}
