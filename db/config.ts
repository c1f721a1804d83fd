/**
 * Configuration of the server, from the least to the most specific: defaults, file, environment, flags. One table of
 * settings below makes the flags, the variables and docs/configuration.md; one schema says what each may be.
 */
import { isIP } from 'node:net';
import { z } from 'zod';
import { TruthError } from './errors.ts';
import {
  BODY_BYTES_CEILING,
  BODY_BYTES_DEFAULT,
  DEFAULT_HTTP_PORT,
  DEFAULT_PG_PORT,
  DEFAULT_PORT,
} from './protocol/index.ts';

const port = z.int().min(0).max(65_535);
const host = z.string().min(1).max(253);
const millis = z.int().min(10).max(3_600_000);
const MIB = 1024 * 1024;

const ROLES_OF_A_NODE = ['ingest', 'compute', 'query', 'replay'] as const;

/** Each key with what it may be. Strict: an unknown key is an error that names it. */
const configSchema = z.strictObject({
  data: z.string().min(1),
  listen: z.strictObject({ host, port, tls: z.enum(['on', 'off']) }),
  socket: z.string().min(1),
  http: z.strictObject({
    server: z.enum(['on', 'off']),
    host,
    port,
    tls: z.enum(['auto', 'on', 'off']),
    metrics: z.enum(['open', 'token']),
  }),
  pg: z.strictObject({
    server: z.enum(['on', 'off']),
    port,
    connections: z.int().min(1).max(100_000),
    idleMinutes: z.int().min(0).max(100_000),
  }),
  hostNames: z.array(host).max(100),
  log: z.strictObject({
    durability: z.enum(['async', 'sync', 'group_sync']),
    syncGroups: z.int().min(1).max(1024),
    syncMillis: z.int().min(1).max(10_000),
    segmentBytes: z
      .int()
      .min(MIB)
      .max(1024 * MIB),
    entryBytes: z
      .int()
      .min(0)
      .max(16 * MIB),
    archives: z.array(z.string().min(1)).max(100),
    scrubBytesPerSecond: z.int().min(0),
  }),
  snapshots: z.strictObject({
    everyCommits: z.int().min(0),
    everyBytes: z.int().min(0),
    keep: z.int().min(1).max(1000),
  }),
  followers: z.strictObject({ keepBytes: z.int().min(0) }),
  encryption: z.strictObject({
    keyFile: z.string(),
    passphraseFile: z.string(),
    tpm: z.string(),
    tpmPcrs: z.array(z.int().min(0).max(23)).max(24),
  }),
  ranking: z.strictObject({
    memoryMib: z
      .int()
      .min(0)
      .max(16 * MIB),
    readers: z.int().min(0).max(16),
  }),
  proofs: z.strictObject({
    checkpointCommits: z.int().min(0),
    checkpointSeconds: z.int().min(0).max(86_400),
  }),
  limits: z.strictObject({
    connections: z.int().min(1).max(100_000),
    bodyBytes: z
      .int()
      .min(64 * 1024)
      .max(BODY_BYTES_CEILING),
    inFlight: z.int().min(1).max(65_536),
    inFlightBytes: z.int().min(64 * 1024),
    handshakeMillis: millis,
    frameMillis: millis,
    idleMillis: millis,
    stallMillis: millis,
    incomingBytes: z.int().min(MIB),
    outgoingBytes: z.int().min(MIB),
  }),
  shutdownMillis: millis,
  roles: z.array(z.enum(ROLES_OF_A_NODE)).optional(),
});

export type Config = z.infer<typeof configSchema>;

export const CONFIG_DEFAULTS: Config = {
  data: 'data',
  listen: { host: '*', port: DEFAULT_PORT, tls: 'on' },
  socket: 'auto',
  http: { server: 'on', host: 'same', port: DEFAULT_HTTP_PORT, tls: 'auto', metrics: 'open' },
  pg: { server: 'on', port: DEFAULT_PG_PORT, connections: 200, idleMinutes: 0 },
  hostNames: [],
  log: {
    durability: 'group_sync',
    syncGroups: 32,
    syncMillis: 5,
    segmentBytes: 64 * MIB,
    entryBytes: 0,
    archives: [],
    scrubBytesPerSecond: 16 * MIB,
  },
  snapshots: { everyCommits: 10_000_000, everyBytes: 4096 * MIB, keep: 3 },
  followers: { keepBytes: 64 * 1024 * MIB },
  encryption: { keyFile: '', passphraseFile: '', tpm: '', tpmPcrs: [] },
  ranking: { memoryMib: 0, readers: 0 },
  proofs: { checkpointCommits: 10_000, checkpointSeconds: 60 },
  limits: {
    connections: 1000,
    bodyBytes: BODY_BYTES_DEFAULT,
    inFlight: 1024,
    inFlightBytes: 8 * MIB,
    handshakeMillis: 10_000,
    frameMillis: 30_000,
    idleMillis: 30_000,
    stallMillis: 30_000,
    incomingBytes: 256 * MIB,
    outgoingBytes: 256 * MIB,
  },
  shutdownMillis: 2000,
};

export interface Setting {
  /** Path in the file, e.g. `listen.port`. */
  readonly key: string;
  /** Null: file and environment only. */
  readonly flag: string | null;
  readonly kind: 'text' | 'number' | 'list' | 'numbers';
  /** What stands for the value in help texts. */
  readonly value: string;
  readonly help: string;
}

export const SETTINGS: readonly Setting[] = [
  setting('data', 'data', 'text', 'DIR', 'directory of the database'),
  setting('listen.host', 'host', 'text', 'HOST', 'address of the wire port; * for all of this machine'),
  setting('listen.port', 'port', 'number', 'PORT', 'wire port; 0 for any free one'),
  setting('listen.tls', 'tls', 'text', 'on|off', 'off only on the loopback, for benchmarks'),
  setting('socket', 'socket', 'text', 'PATH', 'local socket; auto for the usual place, off for none'),
  setting('http.server', 'http', 'text', 'on|off', 'whether HTTP is served'),
  setting('http.host', 'http-host', 'text', 'HOST', 'address of the HTTP port; same as --host by default'),
  setting('http.port', 'http-port', 'number', 'PORT', 'HTTP port; 0 for any free one'),
  setting('http.tls', 'http-tls', 'text', 'auto|on|off', 'auto: off on the loopback, on elsewhere'),
  setting('http.metrics', 'http-metrics', 'text', 'open|token', 'whether /metrics wants a token'),
  setting(
    'pg.server',
    'pg',
    'text',
    'on|off',
    'whether PostgreSQL’s protocol is served; same host and TLS as the wire port',
  ),
  setting('pg.port', 'pg-port', 'number', 'PORT', 'port of PostgreSQL’s protocol; 0 for any free one'),
  setting('pg.connections', null, 'number', 'N', 'connections to that port at once'),
  setting(
    'pg.idleMinutes',
    null,
    'number',
    'MIN',
    'silence after which a connection to that port is closed; 0 for never',
  ),
  setting(
    'hostNames',
    'host-names',
    'list',
    'A,B',
    'names and addresses for the certificate made at first start',
  ),
  setting('log.durability', 'durability', 'text', 'MODE', 'async, sync or group_sync'),
  setting('log.syncGroups', null, 'number', 'N', 'most commits that share one fdatasync'),
  setting('log.syncMillis', null, 'number', 'MS', 'longest that an async commit stays without fdatasync'),
  setting(
    'log.segmentBytes',
    'segment-bytes',
    'number',
    'BYTES',
    'size of log segments, used when the log is made',
  ),
  setting(
    'log.entryBytes',
    'entry-bytes',
    'number',
    'BYTES',
    'largest event, up to 16 MiB, used when the log is made; 0 for 4 MiB or what a segment takes',
  ),
  setting(
    'log.archives',
    null,
    'list',
    'DIR,DIR',
    'archives to read what was pruned from, beside those that `wal archive` wrote to',
  ),
  setting(
    'log.scrubBytesPerSecond',
    null,
    'number',
    'BYTES',
    'how fast sealed segments are read again, once a day, to find damage; 0 for not at all',
  ),
  setting(
    'snapshots.everyCommits',
    null,
    'number',
    'N',
    'a snapshot of the views after so many commits; 0 for none',
  ),
  setting('snapshots.everyBytes', null, 'number', 'BYTES', 'and after so many bytes of log; 0 for none'),
  setting('snapshots.keep', null, 'number', 'N', 'how many are kept, held ones not counted; at least 1'),
  setting(
    'followers.keepBytes',
    null,
    'number',
    'BYTES',
    'log kept for a follower that is behind or away; past that it counts as lost; 0 for none',
  ),
  setting(
    'encryption.keyFile',
    'key-file',
    'text',
    'PATH',
    'file with the key that wraps the keys of encrypted tenants; made on first use; keep it off the data disk',
  ),
  setting(
    'encryption.passphraseFile',
    'passphrase-file',
    'text',
    'PATH',
    'file with a passphrase of at least 12 characters, instead of a key file',
  ),
  setting(
    'encryption.tpm',
    'tpm',
    'text',
    'DEVICE',
    'TPM 2.0 that seals that key instead of a file: /dev/tpmrm0, or of swtpm unix:PATH or tcp:PORT',
  ),
  setting(
    'encryption.tpmPcrs',
    'tpm-pcrs',
    'numbers',
    'N,N',
    'PCRs that have to stay as they were for the key to be unsealed, such as 7; none unless named',
  ),
  setting(
    'ranking.memoryMib',
    'ranking-memory',
    'number',
    'MIB',
    'memory for the views of the ranking layer, in MiB; 0 for half of what the machine has',
  ),
  setting(
    'ranking.readers',
    'ranking-readers',
    'number',
    'N',
    'threads that answer questions about ranking, each with a copy of its views; 0: the thread that orders writes does',
  ),
  setting(
    'proofs.checkpointCommits',
    null,
    'number',
    'N',
    'a signed checkpoint after so many commits; 0 for none',
  ),
  setting(
    'proofs.checkpointSeconds',
    null,
    'number',
    'S',
    'and after so long, where there is something new; 0 for none',
  ),
  setting('limits.connections', null, 'number', 'N', 'connections to the wire port at once'),
  setting('limits.bodyBytes', null, 'number', 'BYTES', 'largest request'),
  setting('limits.inFlight', null, 'number', 'N', 'requests of one connection read ahead of their answers'),
  setting('limits.inFlightBytes', null, 'number', 'BYTES', 'appends under way for all connections'),
  setting('limits.handshakeMillis', null, 'number', 'MS', 'from connect to HELLO'),
  setting('limits.frameMillis', null, 'number', 'MS', 'from the first byte of a request to its last'),
  setting(
    'limits.idleMillis',
    null,
    'number',
    'MS',
    'silence before the server asks, and again before it closes',
  ),
  setting('limits.stallMillis', null, 'number', 'MS', 'how long a reader may take nothing'),
  setting('limits.incomingBytes', null, 'number', 'BYTES', 'half-received requests of all connections'),
  setting(
    'limits.outgoingBytes',
    null,
    'number',
    'BYTES',
    'bytes waiting for slow readers of all connections',
  ),
  setting('shutdownMillis', null, 'number', 'MS', 'how long clients may take to go when the server stops'),
  setting('roles', null, 'list', 'A,B', 'reserved: absent, or all of ingest,compute,query,replay'),
];

function setting(
  key: string,
  flag: string | null,
  kind: Setting['kind'],
  value: string,
  help: string,
): Setting {
  return { key, flag, kind, value, help };
}

/** `listen.port` → `TRUTHDB_LISTEN_PORT`, `http.tls` → `TRUTHDB_HTTP_TLS`, `limits.inFlight` → `TRUTHDB_LIMITS_IN_FLIGHT`. */
export function variableOf(of: Setting): string {
  return `TRUTHDB_${of.key
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toUpperCase()}`;
}

export interface ConfigSources {
  /** Parsed content of the file with its name; null without one. */
  readonly file: { readonly name: string; readonly content: unknown } | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Values of flags by flag name. */
  readonly flags: Readonly<Record<string, string | undefined>>;
}

type Tree = { [key: string]: unknown };

/** Errors: CONFIG naming the source and the key. */
export function resolveConfig(sources: ConfigSources): Config {
  const merged = structuredClone(CONFIG_DEFAULTS) as Tree;
  if (sources.file !== null) {
    checkFile(sources.file.name, sources.file.content);
    mergeInto(merged, sources.file.content as Tree);
  }
  for (const of of SETTINGS) {
    const variable = variableOf(of);
    put(merged, of, sources.environment[variable], variable);
    if (of.flag !== null) put(merged, of, sources.flags[of.flag], `--${of.flag}`);
  }
  const parsed = configSchema.safeParse(merged);
  if (!parsed.success) throw wrong('the configuration', parsed.error);
  checkTogether(parsed.data);
  return parsed.data;
}

function checkFile(name: string, content: unknown): void {
  const parsed = partial(configSchema).safeParse(content);
  if (!parsed.success) throw wrong(name, parsed.error);
}

/** The schema of a file: every key optional, still none unknown. */
function partial(schema: typeof configSchema) {
  const { listen, http, pg, log, snapshots, followers, encryption, ranking, proofs, limits } = schema.shape;
  return schema
    .extend({
      listen: listen.partial(),
      http: http.partial(),
      pg: pg.partial(),
      log: log.partial(),
      limits: limits.partial(),
      snapshots: snapshots.partial(),
      followers: followers.partial(),
      encryption: encryption.partial(),
      ranking: ranking.partial(),
      proofs: proofs.partial(),
    })
    .partial();
}

function wrong(source: string, error: z.ZodError): TruthError {
  const issues = error.issues.map((issue) => {
    const where = issue.path.join('.');
    if (issue.code !== 'unrecognized_keys') return `${where}: ${issue.message}`;
    return issue.keys.map((key) => `unknown key ${where === '' ? '' : `${where}.`}${key}`).join('; ');
  });
  return new TruthError('CONFIG', `${source} cannot be used: ${issues.join('; ')}`);
}

function mergeInto(target: Tree, source: Tree): void {
  for (const [key, value] of Object.entries(source)) {
    const present = target[key];
    if (isTree(value) && isTree(present)) mergeInto(present, value);
    else target[key] = value;
  }
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function put(target: Tree, of: Setting, text: string | undefined, source: string): void {
  if (text === undefined) return;
  const path = of.key.split('.');
  const last = path.pop() as string;
  let at = target;
  for (const part of path) at = at[part] as Tree;
  at[last] = settingValue(of, text, source);
}

function settingValue(of: Setting, text: string, source: string): unknown {
  if (of.kind === 'text') return text;
  if (of.kind === 'number') return wholeNumber(of, text, source);
  const items = text.split(',').filter((item) => item !== '');
  return of.kind === 'list' ? items : items.map((item) => wholeNumber(of, item, source));
}

function wholeNumber(of: Setting, text: string, source: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new TruthError('CONFIG', `${source} is "${text}"; a whole number (${of.value}) is needed`);
}

function checkTogether(config: Config): void {
  const { listen, http, roles } = config;
  if (listen.tls === 'off' && !isLoopback(listen.host)) {
    throw new TruthError(
      'CONFIG',
      `tls off with host ${listen.host}: tokens would cross the network readable. Listen on 127.0.0.1 or leave TLS on`,
    );
  }
  const httpHost = http.host === 'same' ? listen.host : http.host;
  if (http.server === 'on' && http.tls === 'off' && !isLoopback(httpHost)) {
    throw new TruthError(
      'CONFIG',
      `http-tls off with host ${httpHost}: tokens would cross the network readable. ` +
        'Serve HTTP on 127.0.0.1 or leave TLS on',
    );
  }
  if (roles !== undefined && ROLES_OF_A_NODE.some((role) => !roles.includes(role))) {
    throw new TruthError(
      'CONFIG',
      'roles is reserved: this version runs ingest, compute, query and replay together; leave the key out',
    );
  }
}

export function isLoopback(name: string): boolean {
  if (name === 'localhost' || name === '::1') return true;
  return isIP(name) === 4 && name.startsWith('127.');
}

/** Variables that begin like ours and mean nothing: most likely mistyped. `others` are known elsewhere. */
export function unknownVariables(
  environment: Readonly<Record<string, string | undefined>>,
  others: readonly string[],
): string[] {
  const known = new Set([...SETTINGS.map(variableOf), ...others]);
  return Object.keys(environment).filter((name) => name.startsWith('TRUTHDB_') && !known.has(name));
}

/** The settings as Markdown, for docs/configuration.md. */
export function settingsTable(): string {
  const rows = SETTINGS.map((of) => {
    const flag = of.flag === null ? '' : `\`--${of.flag}\``;
    const fallback = JSON.stringify(defaultOf(of)) ?? '';
    return `| \`${of.key}\` | \`${variableOf(of)}\` | ${flag} | ${fallback === '' ? '' : `\`${fallback}\``} | ${of.help} |`;
  });
  return ['| key | variable | flag | default | meaning |', '|---|---|---|---|---|', ...rows].join('\n');
}

function defaultOf(of: Setting): unknown {
  return of.key.split('.').reduce<unknown>((at, part) => (at as Tree)[part], CONFIG_DEFAULTS);
}
