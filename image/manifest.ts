import { createHash } from 'node:crypto';

export interface ManifestFile {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
}

export interface Manifest {
  readonly version: string;
  readonly commit: string;
  /** Seconds since 1970: date of the commit. */
  readonly sourceDateEpoch: number;
  readonly files: readonly ManifestFile[];
}

/** What the medium carries beside the installer; the installer's engine checks every file against it before it shows a disk. */
export interface PayloadIndex {
  readonly version: string;
  readonly rootHash: string;
  readonly files: Readonly<Record<string, { readonly size: number; readonly sha256: string }>>;
}

export function describeFile(name: string, data: Buffer): ManifestFile {
  return { name, size: data.length, sha256: createHash('sha256').update(data).digest('hex') };
}

export function formatManifest(manifest: Manifest): string {
  const files = manifest.files.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return `${JSON.stringify({ ...manifest, files }, undefined, 2)}\n`;
}

export function payloadIndex(
  version: string,
  rootHash: string,
  payload: ReadonlyMap<string, Buffer>,
): PayloadIndex {
  const files = [...payload].map(([name, data]) => {
    const { size, sha256 } = describeFile(name, data);
    return [name, { size, sha256 }] as const;
  });
  return { version, rootHash, files: Object.fromEntries(files) };
}
