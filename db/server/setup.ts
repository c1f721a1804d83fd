/**
 * Makes a data directory a database: log, TLS key and certificate, first token. The token file is written last and marks
 * the directory as complete; an interrupted start is finished by the next one.
 *
 *     metadata/tls/key.pem, certificate.pem    who this server is; clients pin the certificate
 *     metadata/tokens.json                     hashes of the tokens
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { initDatabase } from '../engine.ts';
import { TruthError } from '../errors.ts';
import { type Disk, readSmallFile, writeSmallFile } from '../io/index.ts';
import { TENANT_DEFAULT } from '../types.ts';
import { readLogId } from '../wal/metadata.ts';
import { type Certificate, makeCertificate, parseCertificate } from './certificate.ts';
import { TokenStore } from './tokens.ts';

export interface SetupOptions {
  /** Absolute. */
  readonly directory: string;
  readonly disk: Disk;
  /** DNS names and addresses for the certificate; this machine's own are added. */
  readonly hostNames: readonly string[];
  /** SHA-256 of a token somebody made already; null: one is made here. */
  readonly adminTokenHash: string | null;
  /** Undefined: the log's default. */
  readonly segmentBytes: number | undefined;
  readonly entryBytesMax?: number | undefined;
  /** False: the log comes from elsewhere, this is to be a copy. Default true. */
  readonly ownLog?: boolean;
}

export interface SetupResult {
  /** Identity of the log, 32 hexadecimal digits; null while a copy has none. */
  readonly logId: string | null;
  readonly fingerprint: string;
  /** Shown once and kept nowhere; null when only its hash was given. */
  readonly adminToken: string | null;
}

const OWN_ENTRIES = new Set(['wal', 'snapshots', 'metadata', 'views', 'lost+found', 'truthdb.sock']);
const ADMIN_NAME = 'admin';

export function isSetUp(disk: Disk, directory: string): boolean {
  return TokenStore.exists(disk, tokensPath(directory));
}

/** Errors: ALREADY_EXISTS, LOCKED, INVALID_ARGUMENT (sizes, names, a directory with other things in it). */
export function setUp(options: SetupOptions): SetupResult {
  const { directory, disk } = options;
  mkdirSync(dirname(directory), { recursive: true });
  if (existsSync(directory)) checkContent(directory);
  if (existsSync(directory) && isSetUp(disk, directory)) throw alreadySetUp(directory);
  if (options.ownLog ?? true) makeLog(options);
  else makeFolders(options);
  const lock = disk.lock(directory);
  if (lock === null || isSetUp(disk, directory)) {
    lock?.release();
    throw new TruthError('LOCKED', `another process is setting up ${directory} at this moment`);
  }
  try {
    const certificate = makeTls(options);
    const tokens = new TokenStore(disk, tokensPath(directory), randomBytes);
    const { token } = tokens.create(
      {
        name: ADMIN_NAME,
        role: 'operator',
        tenant: TENANT_DEFAULT,
        hash: options.adminTokenHash,
        expiresAt: null,
      },
      new Date(),
    );
    return {
      logId: readLogId(disk, directory),
      fingerprint: certificate.fingerprint,
      adminToken: token,
    };
  } finally {
    lock.release();
  }
}

function checkContent(directory: string): void {
  const strange = readdirSync(directory).find((name) => !OWN_ENTRIES.has(name));
  if (strange !== undefined) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `${directory} is not empty and holds something else (${strange}); name another directory with --data`,
    );
  }
}

function makeLog({ directory, disk, segmentBytes, entryBytesMax }: SetupOptions): void {
  try {
    initDatabase({
      directory,
      disk,
      random: randomBytes,
      ...(segmentBytes === undefined ? {} : { segmentBytes }),
      ...(entryBytesMax === undefined ? {} : { entryBytesMax }),
    });
  } catch (error) {
    // Left from a set-up that was interrupted after its first step.
    if (!(error instanceof TruthError) || error.code !== 'ALREADY_EXISTS') throw error;
  }
}

function makeFolders({ directory, disk }: SetupOptions): void {
  for (const folder of ['', 'metadata']) disk.mkdir(join(directory, folder));
  disk.fsyncDirectory(directory);
}

/** Key and certificate of an interrupted set-up stay: clients may know the fingerprint already. */
function makeTls({ directory, disk, hostNames }: SetupOptions): Certificate {
  const { folder, key, certificate: certificatePath } = tlsPaths(directory);
  if (existsSync(key) && existsSync(certificatePath)) return readCertificate(disk, directory);
  const own = ['localhost', '127.0.0.1', '::1'];
  const machine = /^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/.test(hostname()) ? [hostname()] : [];
  const names = [...new Set([...hostNames, ...machine, ...own])];
  const certificate = makeCertificate(names, randomBytes);
  disk.mkdir(folder);
  disk.fsyncDirectory(dirname(folder));
  writeSmallFile(disk, key, Buffer.from(certificate.keyPem));
  writeSmallFile(disk, certificatePath, Buffer.from(certificate.certificatePem));
  return certificate;
}

/** Errors: CONFIG when key or certificate are missing or unusable. */
export function readCertificate(disk: Disk, directory: string): Certificate {
  const { folder, key, certificate } = tlsPaths(directory);
  const keyPem = readSmallFile(disk, key);
  const certificatePem = readSmallFile(disk, certificate);
  if (keyPem === null || certificatePem === null) {
    throw new TruthError('CONFIG', `${folder} does not hold both key.pem and certificate.pem; restore them`);
  }
  return parseCertificate(Buffer.from(keyPem).toString(), Buffer.from(certificatePem).toString());
}

export function readTokens(disk: Disk, directory: string): TokenStore {
  return new TokenStore(disk, tokensPath(directory), randomBytes);
}

function tokensPath(directory: string): string {
  return join(directory, 'metadata', 'tokens.json');
}

function tlsPaths(directory: string) {
  const folder = join(directory, 'metadata', 'tls');
  return { folder, key: join(folder, 'key.pem'), certificate: join(folder, 'certificate.pem') };
}

function alreadySetUp(directory: string): TruthError {
  return new TruthError('ALREADY_EXISTS', `${directory} already holds a database; nothing was changed`);
}
