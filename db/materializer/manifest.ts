/**
 * `metadata/views.json`: which checkpoint of each view is valid, and of which files it consists. Replacing this file is
 * what makes a checkpoint count; files below `views/` that it does not name mean nothing.
 *
 *     { "format": 1, "logId": hex, "views": [ { "name", "version", "applied": position, "chain": hex of the log's
 *       chain at that position, "parts": [ { "name", "bytes", "xxh64": hex } ] } ] }
 *
 * Of a view with files of its own, "parts" is empty and "files": [ { "file", "applied" } ] names what has to be there.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { TruthError } from '../errors.ts';
import { type Disk, readSmallFile } from '../io/index.ts';

const FORMAT = 1;
/** Folder for views and their checkpoints. */
export const VIEWS = 'views';
/** Folder below it for views that are ahead of the log. */
export const SET_ASIDE = 'set-aside';
/** Folders of `views/` that belong to others; the log keeps the indexes of its segments in one. */
/** Folder of scratch files. */
export const SCRATCH = 'scratch';
/** What the names of such folders begin with that belong to views beside those of the registry. */
export const SCRATCH_OF_READER = 'scratch-of-';
const RESERVED: readonly string[] = [SET_ASIDE, SCRATCH, 'log-index'];
/** Of views and of their parts. */
export const VIEW_NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/;

const partSchema = z.strictObject({
  name: z.string().regex(VIEW_NAME),
  bytes: z.int().min(0),
  xxh64: z.string().regex(/^[0-9a-f]{16}$/),
});

const fileSchema = z.strictObject({ file: z.string().min(1), applied: z.int().min(0) });

const viewSchema = z.strictObject({
  name: z.string().regex(VIEW_NAME),
  version: z.int().min(1),
  applied: z.int().min(1),
  chain: z.string().regex(/^([0-9a-f]{2})+$/),
  parts: z.array(partSchema),
  /** Only of a view with files of its own: those there are, and what they hold at least. */
  files: z.array(fileSchema).optional(),
});

const manifestSchema = z.strictObject({
  format: z.literal(FORMAT),
  logId: z.string().regex(/^[0-9a-f]{32}$/),
  views: z.array(viewSchema),
});

export type PartRecord = z.infer<typeof partSchema>;
export type ViewRecord = z.infer<typeof viewSchema>;

/** Folder of the database's metadata and the file's name in it. */
const METADATA = 'metadata';
const FILE = 'views.json';

/**
 * Records of the views of this log; none when there is no manifest, when it is another log's or unreadable: views can
 * always be made again, so a broken manifest costs time only. `report` is told why.
 */
export function readManifest(
  disk: Disk,
  directory: string,
  logId: string,
  report: (line: string) => void,
): ViewRecord[] {
  const bytes = readSmallFile(disk, join(directory, METADATA, FILE));
  if (bytes === null) return [];
  const parsed = manifestSchema.safeParse(parseJson(bytes));
  if (!parsed.success) {
    report(`${METADATA}/${FILE} cannot be read (${z.prettifyError(parsed.error)}): views are rebuilt`);
    return [];
  }
  if (parsed.data.logId !== logId) {
    report(`${METADATA}/${FILE} belongs to log ${parsed.data.logId}, not to ${logId}: views are rebuilt`);
    return [];
  }
  return parsed.data.views;
}

/** The file that says so: path and content. */
export function manifestFile(
  directory: string,
  logId: string,
  views: readonly ViewRecord[],
): { readonly path: string; readonly bytes: Uint8Array } {
  const text = JSON.stringify({ format: FORMAT, logId, views }, null, 2);
  return { path: join(directory, METADATA, FILE), bytes: Buffer.from(`${text}\n`) };
}

/** Refuses a name that could not be a folder of its own. Errors: INVALID_ARGUMENT. */
export function checkViewName(name: string): void {
  if (VIEW_NAME.test(name) && !RESERVED.includes(name) && !name.startsWith(SCRATCH_OF_READER)) return;
  throw new TruthError(
    'INVALID_ARGUMENT',
    `a view cannot be named ${JSON.stringify(name)}: use lower-case words joined by dashes, but none of ${RESERVED.join(', ')}, and nothing that begins with ${SCRATCH_OF_READER}`,
  );
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return null;
  }
}
