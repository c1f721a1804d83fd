/**
 * What interfaces and engine say to each other over the Unix socket: one JSON object per line, each with the protocol's version.
 *
 * An interface attaches with `hello` and is sent the present view, and every later one. Several attach at once and all see the
 * same page; one drives. The first to act while nobody drives becomes the driver; `drive` takes the installation over, which voids
 * a confirmation in progress. `act` chooses an action of the page, `install` alone confirms: it carries the hash of the plan that
 * was shown and the words that were typed. What breaks a rule is answered by `refused` with a stable code.
 */

import { z } from 'zod';
import { InstallError } from './errors.ts';
import { pageIdSchema, viewSchema } from './session/view.ts';

const PROTOCOL_VERSION = 1;

/** Longest line either side accepts, in UTF-16 units: an SSH key fits many times, an attack on memory does not. */
export const LINE_LENGTH_MAX = 256 * 1024;

const version = z.literal(PROTOCOL_VERSION);
const shortText = z.string().max(64);
const value = z.string().max(32 * 1024);

const requestSchema = z.discriminatedUnion('type', [
  z.strictObject({ v: version, type: z.literal('hello'), console: shortText }),
  z.strictObject({ v: version, type: z.literal('drive') }),
  z.strictObject({
    v: version,
    type: z.literal('act'),
    page: pageIdSchema,
    action: shortText,
    choice: shortText,
    values: z.record(shortText, value),
  }),
  z.strictObject({
    v: version,
    type: z.literal('install'),
    planHash: shortText,
    typed: z.strictObject({ token: value, array: value, data: value }),
  }),
  z.strictObject({ v: version, type: z.literal('unattended') }),
]);

const replySchema = z.discriminatedUnion('type', [
  z.object({
    v: version,
    type: z.literal('view'),
    /** Console that drives, '' while none does. */
    driver: z.string(),
    youDrive: z.boolean(),
    view: viewSchema,
  }),
  z.object({ v: version, type: z.literal('refused'), code: z.string(), text: z.string() }),
  z.object({ v: version, type: z.literal('log'), lines: z.array(z.string()) }),
]);

export type Request = z.infer<typeof requestSchema>;
export type Reply = z.infer<typeof replySchema>;

type WithoutVersion<T> = T extends unknown ? Omit<T, 'v'> : never;

export function formatMessage(message: WithoutVersion<Request> | WithoutVersion<Reply>): string {
  return `${JSON.stringify({ v: PROTOCOL_VERSION, ...message })}\n`;
}

/** @throws InstallError BAD_MESSAGE naming the field that is wrong; values are not repeated, one may be a password. */
export function parseRequest(line: string): Request {
  return parseLine(requestSchema, line);
}

/** @throws InstallError BAD_MESSAGE. */
export function parseReply(line: string): Reply {
  return parseLine(replySchema, line);
}

function parseLine<T>(schema: z.ZodType<T>, line: string): T {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    throw new InstallError('BAD_MESSAGE', 'a line that is not JSON; send one object per line');
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new InstallError(
    'BAD_MESSAGE',
    `message ${issue?.path.join('.') || 'type'}: ${issue?.code ?? 'unknown'}; this is protocol ${PROTOCOL_VERSION}`,
  );
}

/**
 * Cuts a stream of text into lines.
 *
 * @throws InstallError BAD_MESSAGE when a line grows past {@link LINE_LENGTH_MAX}.
 */
export function lineSplitter(onLine: (line: string) => void): (chunk: string) => void {
  let pending = '';
  return (chunk) => {
    const lines = (pending + chunk).split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') onLine(line);
    if (pending.length > LINE_LENGTH_MAX) {
      throw new InstallError('BAD_MESSAGE', `a line of more than ${LINE_LENGTH_MAX} characters`);
    }
  };
}
