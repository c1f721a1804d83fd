/**
 * A page as an interface shows it: text, at most one list to choose from, fields to fill in, actions. Interfaces render views and
 * send back what was chosen; they know nothing of the pages, so the line mode and the full-screen one cannot come to differ.
 */

import { z } from 'zod';

export const PAGE_IDS = [
  'menu',
  'hardware',
  'disk',
  'contents',
  'network',
  'access',
  'review',
  'confirm',
  'progress',
  'done',
  'error',
  'abort',
  'power',
  'unattended',
  'goodbye',
] as const;

export const pageIdSchema = z.enum(PAGE_IDS);
export type PageId = z.infer<typeof pageIdSchema>;

const columnSchema = z.object({
  title: z.string(),
  width: z.int(),
  /** Which end of a text that is too long stays visible: of a serial number the end tells disks apart. */
  keep: z.enum(['start', 'end']),
});

const rowSchema = z.object({
  /** Sent back as the choice. */
  key: z.string(),
  cells: z.array(z.string()),
  /** Second line of the row. */
  detail: z.string(),
  enabled: z.boolean(),
});

const fieldSchema = z.object({
  name: z.string(),
  label: z.string(),
  kind: z.enum(['text', 'secret', 'choice']),
  /** Always empty for a secret. */
  value: z.string(),
  options: z.array(z.object({ value: z.string(), label: z.string() })),
  hint: z.string(),
  /** Shown only while another field has this value. */
  when: z.object({ field: z.string(), equals: z.string() }).optional(),
});

const actionSchema = z.object({
  name: z.string(),
  /** One letter that is no digit and no other action's. */
  key: z.string(),
  label: z.string(),
  enabled: z.boolean(),
  /** `install` carries the plan's hash and the typed words and is a message of its own. */
  message: z.enum(['act', 'install']),
});

export const viewSchema = z.object({
  page: pageIdSchema,
  title: z.string(),
  text: z.array(z.string()),
  list: z
    .object({ columns: z.array(columnSchema), rows: z.array(rowSchema), selected: z.string() })
    .optional(),
  fields: z.array(fieldSchema),
  actions: z.array(actionSchema),
  /** Action that Enter stands for; absent where nothing may happen by habit. */
  enter: z.string().optional(),
  /** Keys are drained and ignored for this long after the page appears. */
  guardMs: z.int(),
  notice: z.object({ code: z.string(), text: z.string() }).optional(),
  progress: z
    .object({
      overall: z.number(),
      step: z.string(),
      stepNumber: z.int(),
      stepCount: z.int(),
      stepFraction: z.number(),
    })
    .optional(),
  /** Stands for everything that was reviewed; goes back with `install`. */
  planHash: z.string().optional(),
  help: z.array(z.string()),
});

export type View = z.infer<typeof viewSchema>;
export type ViewField = z.infer<typeof fieldSchema>;
export type ViewAction = z.infer<typeof actionSchema>;
export type ViewRow = z.infer<typeof rowSchema>;
export type ViewColumn = z.infer<typeof columnSchema>;

/** Fields that are shown, given what the others hold at the moment. */
export function visibleFields(
  fields: readonly ViewField[],
  values: Readonly<Record<string, string>>,
): readonly ViewField[] {
  const current = (name: string) => values[name] ?? fields.find((field) => field.name === name)?.value;
  return fields.filter(({ when }) => when === undefined || current(when.field) === when.equals);
}
