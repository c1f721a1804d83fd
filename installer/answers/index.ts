/**
 * Answer files: what an unattended installation is told instead of asking. index.ts is the schema and its parser, match.ts the
 * rules by which an answer names its disk, source.ts where answers are looked for. Pure but for source.ts, which goes through the
 * host. An answer holds hashes, never a secret, and because it names the disk's present content it works exactly once.
 */

import { z } from 'zod';
import {
  authorizedKeySchema,
  hostnameSchema,
  networkSchema,
  passwordHashSchema,
} from '../appliance-config.ts';
import { InstallError } from '../errors.ts';

const diskSchema = z
  .strictObject({
    serial: z
      .string()
      .min(1)
      .optional()
      .describe('Whole serial number, as `truthdb-installer disks` shows it.'),
    wwn: z.string().min(1).optional().describe('World Wide Name, with or without 0x, naa. or eui.'),
    byId: z.string().min(1).optional().describe('Name under /dev/disk/by-id, with or without the folder.'),
    contentFingerprint: z
      .string()
      .regex(/^c1-[0-9a-f]{32}$/, {
        error:
          'a content fingerprint as `truthdb-installer disks --json` prints it: c1- and 32 hexadecimal digits',
      })
      .optional()
      .describe('Present content of the disk. Needed to erase a disk that is not empty.'),
  })
  .refine(({ serial, wwn, byId }) => serial !== undefined || wwn !== undefined || byId !== undefined, {
    error: 'at least one of serial, wwn and byId must name the disk',
  });

const answerSchema = z.strictObject({
  version: z.literal(1),
  disk: diskSchema,
  hostname: hostnameSchema.optional().describe('Default: truthdb.'),
  network: networkSchema.optional().describe('Default: DHCP.'),
  operator: z.strictObject({ passwordHash: passwordHashSchema }),
  ssh: z.strictObject({ authorizedKeys: z.array(authorizedKeySchema).max(32) }).optional(),
  adminTokenHash: z.string().regex(/^[0-9a-f]{64}$/, {
    error: 'SHA-256 of the administrator token: 64 lower case hexadecimal digits',
  }),
  after: z.enum(['poweroff', 'reboot']).describe('What the machine does after a successful installation.'),
});

export type Answer = z.infer<typeof answerSchema>;

/** Larger files are not read. */
export const ANSWER_BYTES_MAX = 1024 * 1024;

/** @throws InstallError ANSWER_INVALID with every broken rule, each as "path: rule". Values are not repeated. */
export function parseAnswer(text: string): Answer {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    // Only the place: V8 also quotes the text around it.
    const place = /at position .*$/.exec(error instanceof Error ? error.message : '')?.[0] ?? 'at its end';
    throw new InstallError('ANSWER_INVALID', `answer.json is not JSON, ${place}`);
  }
  const parsed = answerSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const rules = parsed.error.issues.map(
    (issue) => `${['answer', ...issue.path].join('.')}: ${issue.message}`,
  );
  throw new InstallError('ANSWER_INVALID', rules.join('; '));
}

/** The schema as it is published in answer.schema.json, and as `truthdb-installer answer-schema` prints it. Rules that JSON Schema cannot say are checked by the installer only. */
export function answerJsonSchema(): object {
  return {
    $id: 'urn:truthdb:installer-answer:1',
    ...z.toJSONSchema(answerSchema, { unrepresentable: 'any' }),
  };
}
