/** What is installed: the files the installation medium carries, named with size and hash in payload.json. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { asInstallError, InstallError } from './errors.ts';

const versionSchema = z
  .string()
  .regex(/^[0-9A-Za-z][0-9A-Za-z.+~-]{0,63}$/, { error: 'letters, digits and . + ~ - only' });

const payloadSchema = z.strictObject({
  version: versionSchema,
  rootHash: z.string().regex(/^[0-9a-f]{64}$/, { error: '64 lower case hexadecimal digits' }),
  files: z.record(
    z.string().regex(/^[0-9A-Za-z][0-9A-Za-z._+~-]*$/),
    z.strictObject({ size: z.int().positive(), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  ),
});

export interface PayloadFile {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

export interface Payload {
  readonly version: string;
  /** Verity root hash, hexadecimal. */
  readonly rootHash: string;
  readonly root: PayloadFile;
  readonly verity: PayloadFile;
  /** Unified kernel image of the installed system. */
  readonly kernelImage: PayloadFile;
  readonly bootLoader: PayloadFile;
}

/** @throws InstallError PAYLOAD_INVALID naming what is missing or wrong in the manifest. */
export function parsePayload(text: string, folder: string): Payload {
  const parsed = payloadSchema.safeParse(jsonOf(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(`payload.json: ${issue?.path.join('.') || 'document'}: ${issue?.message}`);
  }
  const { version, rootHash, files } = parsed.data;
  const file = (name: string): PayloadFile => {
    const entry = files[name];
    if (entry === undefined) throw invalid(`payload.json does not name ${name}`);
    return { name, path: join(folder, name), bytes: entry.size, sha256: entry.sha256 };
  };
  return {
    version,
    rootHash,
    root: file('root.squashfs'),
    verity: file('root.verity'),
    kernelImage: file(`truthdb_${version}.efi`),
    bootLoader: file('systemd-bootx64.efi'),
  };
}

/**
 * Reads the manifest and every file it names and compares sizes and hashes.
 *
 * @param progress Called with the part done, 0 to 1.
 * @throws InstallError PAYLOAD_INVALID with the name of the first file that differs.
 */
export async function verifyPayload(folder: string, progress: (fraction: number) => void): Promise<Payload> {
  const text = await readFile(join(folder, 'payload.json'), 'utf8').catch((error: unknown) => {
    throw invalid(asInstallError(error).message);
  });
  const payload = parsePayload(text, folder);
  const files = payloadFiles(payload);
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  for (const file of files) {
    await verifyFile(file, (bytes) => {
      done += bytes;
      progress(done / total);
    });
  }
  return payload;
}

function payloadFiles(payload: Payload): readonly PayloadFile[] {
  return [payload.root, payload.verity, payload.kernelImage, payload.bootLoader];
}

async function verifyFile(file: PayloadFile, progress: (bytes: number) => void): Promise<void> {
  const found = await stat(file.path).catch(() => undefined);
  if (found?.size !== file.bytes) {
    throw invalid(
      `${file.name} has ${found === undefined ? 'no' : found.size} bytes, payload.json says ${file.bytes}`,
    );
  }
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file.path, { highWaterMark: 1024 * 1024 })) {
    hash.update(chunk as Buffer);
    progress((chunk as Buffer).length);
  }
  const digest = hash.digest('hex');
  if (digest !== file.sha256)
    throw invalid(`${file.name} has SHA-256 ${digest}, payload.json says ${file.sha256}`);
}

function invalid(detail: string): InstallError {
  return new InstallError(
    'PAYLOAD_INVALID',
    `the installation medium is damaged: ${detail}; write it again and start over`,
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
