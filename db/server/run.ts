/**
 * A server from start to stop: set up on first start, recover, open the doors, say that it is ready; on a signal close
 * them in the opposite order, so that everything acknowledged is on disk and nothing else is promised.
 */
import { join, resolve } from 'node:path';
import type { Config } from '../config.ts';
import { isLoopback } from '../config.ts';
import { type Engine, openEngine } from '../engine.ts';
import { ownProgram, RealDisk } from '../io/index.ts';
import { formatConnectionString } from '../protocol/index.ts';
import { readKekSource } from '../tenancy/index.ts';
import { TENANT_DEFAULT } from '../types.ts';
import type { Certificate } from './certificate.ts';
import { Counters } from './counters.ts';
import { HttpServer } from './http/http-server.ts';
import type { Limits } from './limits.ts';
import type { Endpoint } from './listener.ts';
import { notifySystemd } from './notify.ts';
import { PgListener, type PgListenerOptions } from './pg/index.ts';
import { Server } from './server.ts';
import { isSetUp, readCertificate, readTokens, setUp } from './setup.ts';
import { SideEvaluation } from './side-evaluation.ts';

export interface RunOptions {
  readonly config: Config;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Opens what is served; by default the database of the directory, for writing. */
  readonly open?: typeof openEngine;
  /** False: the log comes from elsewhere, and a first start makes none. Default true. */
  readonly ownLog?: boolean;
  /** Aborted: stop in order. */
  readonly signal: AbortSignal;
  /** Each line of what happens, for people. */
  readonly say: (line: string) => void;
  /** Called once when everything serves. */
  readonly onServing: (serving: Serving) => void;
  /**
   * Called when a first start made an admin token and then failed before it served: the set-up holds, and nobody has
   * seen the token yet. A string with the configured address.
   */
  readonly onUnseenToken: (connection: string) => void;
}

/** Where a running server can be reached. */
export interface Serving {
  readonly directory: string;
  readonly port: number;
  readonly httpPort: number | null;
  readonly httpTls: boolean;
  /** PostgreSQL's protocol; null where it is off. */
  readonly pgPort: number | null;
  readonly socket: string | null;
  readonly fingerprint: string | null;
  /** With the token in it, the one time it was made; null otherwise. */
  readonly connection: string | null;
}

/** The database that the tenant without a name has in PostgreSQL's words. */
const DATABASE_OF_ALL = 'truthdb';
const ENGINE_CLOSE_WARNING_MILLIS = 10_000;
/** What an evaluation may take that a client asks for. */
const EVALUATION_MEBIBYTES = 2048;
const EVALUATION_SECONDS = 900;

/** Serves until the signal; returns the writer's failure if that ended it, null otherwise. */
export async function runServer(options: RunOptions): Promise<Error | null> {
  const { config } = options;
  const directory = resolve(config.data);
  const disk = new RealDisk();
  const adminToken = isSetUp(disk, directory) ? null : firstStart(options, directory, disk);
  const certificate = readCertificate(disk, directory);
  let unseen = adminToken;
  try {
    return await serveDatabase(options, { directory, disk, certificate, adminToken }, () => {
      unseen = null;
    });
  } finally {
    if (unseen !== null)
      options.onUnseenToken(connectionString(config, certificate, config.listen.port, unseen));
  }
}

interface Database {
  readonly directory: string;
  readonly disk: RealDisk;
  readonly certificate: Certificate;
  readonly adminToken: string | null;
}

async function serveDatabase(
  options: RunOptions,
  { directory, disk, certificate, adminToken }: Database,
  onShown: () => void,
): Promise<Error | null> {
  const { config, say } = options;
  const http = await startHttp(config, certificate);
  let engine: Engine | null = null;
  let server: Server | null = null;
  let pg: PgListener | null = null;
  try {
    say(`opening ${directory}`);
    engine = await (options.open ?? openEngine)({
      directory,
      disk,
      durability: config.log.durability,
      syncCaps: { groups: config.log.syncGroups, millis: config.log.syncMillis },
      snapshots: config.snapshots,
      followerBytesMax: config.followers.keepBytes,
      scrubBytesPerSecond: config.log.scrubBytesPerSecond,
      proofs: config.proofs,
      ...(config.ranking.memoryMib === 0
        ? {}
        : { rankingMemoryBytes: config.ranking.memoryMib * 1024 * 1024 }),
      rankingReaders: config.ranking.readers,
      archives: config.log.archives.map((archive) => resolve(archive)),
      keys: readKekSource(disk, {
        keyFile: absolute(config.encryption.keyFile),
        passphraseFile: absolute(config.encryption.passphraseFile),
        tpm: config.encryption.tpm,
        tpmPcrs: config.encryption.tpmPcrs,
      }),
      progress: (line) => {
        http?.starting(line);
        say(line);
      },
    });
    const tokens = readTokens(disk, directory);
    const counters = new Counters();
    const socket = socketPath(config, directory, options.environment);
    const endpoints = endpointsOf(config, certificate, socket);
    server = await Server.start({
      ...{ engine, tokens, limits: limitsOf(config), endpoints, counters },
      evaluation: sideEvaluation(directory),
      report: say,
    });
    const { tables, database } = server;
    pg = await startPg(config, engine, {
      certificate,
      tokens,
      counters,
      audit: database.audit,
      database: tables,
    });
    http?.serve(server.database, tokens);
    const serving = describe(config, { directory, certificate, server, http, pg, socket, adminToken });
    await notifySystemd(options.environment, `--status=serving ${directory}`);
    onShown();
    options.onServing(serving);
    return await untilStopped(engine, options.signal);
  } finally {
    say('stopping: no new connections');
    server?.stopAccepting();
    pg?.stopAccepting();
    server?.endEvaluation();
    await server?.endAudit();
    await Promise.all([http?.close(config.shutdownMillis), closeEngine(engine, say)]);
    // Last: answers the engine still gave must have a connection to leave by.
    await Promise.all([server?.close(config.shutdownMillis), pg?.close(config.shutdownMillis)]);
    say('stopped');
  }
}

function sideEvaluation(directory: string): SideEvaluation {
  return new SideEvaluation({
    ...{ directory, program: ownProgram() },
    ...{ memoryMebibytes: EVALUATION_MEBIBYTES, seconds: EVALUATION_SECONDS },
  });
}

/** Empty stays empty. */
function absolute(path: string): string {
  return path === '' ? '' : resolve(path);
}

function firstStart(options: RunOptions, directory: string, disk: RealDisk): string | null {
  const { config, say } = options;
  say(`first start: setting up ${directory}`);
  const { adminToken } = setUp({
    directory,
    disk,
    hostNames: config.hostNames,
    adminTokenHash: null,
    segmentBytes: config.log.segmentBytes,
    entryBytesMax: config.log.entryBytes === 0 ? undefined : config.log.entryBytes,
    ownLog: options.ownLog ?? true,
  });
  return adminToken;
}

async function startHttp(config: Config, certificate: Certificate): Promise<HttpServer | null> {
  if (config.http.server === 'off') return null;
  const http = new HttpServer({
    host: addressOf(httpHost(config)),
    port: config.http.port,
    certificate: httpTls(config) ? certificate : null,
    metricsOpen: config.http.metrics === 'open',
    bodyBytesMax: config.limits.bodyBytes,
    connectionsMax: config.limits.connections,
  });
  await http.listen();
  return http;
}

async function startPg(
  config: Config,
  engine: Engine,
  of: Pick<PgListenerOptions, 'certificate' | 'tokens' | 'counters' | 'audit' | 'database'>,
): Promise<PgListener | null> {
  if (config.pg.server === 'off') return null;
  const limits = limitsOf(config);
  const pg = new PgListener({
    ...of,
    host: addressOf(config.listen.host),
    port: config.pg.port,
    tls: config.listen.tls === 'on',
    tenantOf: (name) => (name === DATABASE_OF_ALL ? TENANT_DEFAULT : engine.tenants.idOf(name)),
    limits: { ...limits, connectionsMax: config.pg.connections, idleMillis: config.pg.idleMinutes * 60_000 },
  });
  await pg.listen();
  return pg;
}

function httpHost(config: Config): string {
  return config.http.host === 'same' ? config.listen.host : config.http.host;
}

function httpTls(config: Config): boolean {
  return config.http.tls === 'on' || (config.http.tls === 'auto' && !isLoopback(httpHost(config)));
}

/** Null stands for every address of this machine. */
function addressOf(host: string): string | null {
  return host === '*' ? null : host;
}

function socketPath(
  config: Config,
  directory: string,
  environment: RunOptions['environment'],
): string | null {
  if (config.socket === 'off') return null;
  if (config.socket !== 'auto') return resolve(config.socket);
  // systemd names the directory it made for this service (RuntimeDirectory=).
  const runtime = environment['RUNTIME_DIRECTORY']?.split(':')[0];
  return join(runtime ?? directory, 'truthdb.sock');
}

function endpointsOf(config: Config, certificate: Certificate, socket: string | null): Endpoint[] {
  const { host, port, tls } = config.listen;
  const wire: Endpoint =
    tls === 'on' ? { kind: 'tls', host: addressOf(host), port, certificate } : { kind: 'tcp', host, port };
  return socket === null ? [wire] : [wire, { kind: 'unix', path: socket }];
}

function limitsOf(config: Config): Limits {
  const { limits } = config;
  return {
    connectionsMax: limits.connections,
    bodyBytesMax: limits.bodyBytes,
    inFlightMax: limits.inFlight,
    inFlightBytesMax: limits.inFlightBytes,
    handshakeMillis: limits.handshakeMillis,
    frameMillis: limits.frameMillis,
    idleMillis: limits.idleMillis,
    stallMillis: limits.stallMillis,
    incomingBytesMax: limits.incomingBytes,
    outgoingBytesMax: limits.outgoingBytes,
  };
}

function describe(
  config: Config,
  running: {
    readonly directory: string;
    readonly certificate: Certificate;
    readonly server: Server;
    readonly http: HttpServer | null;
    readonly pg: PgListener | null;
    readonly socket: string | null;
    readonly adminToken: string | null;
  },
): Serving {
  const { directory, certificate, server, http, pg, socket, adminToken } = running;
  const port = server.ports[0] as number;
  const tls = config.listen.tls === 'on';
  return {
    directory,
    port,
    httpPort: http?.port ?? null,
    httpTls: httpTls(config),
    pgPort: pg?.port ?? null,
    socket,
    fingerprint: tls ? certificate.fingerprint : null,
    connection: adminToken === null ? null : connectionString(config, certificate, port, adminToken),
  };
}

function connectionString(config: Config, { fingerprint }: Certificate, port: number, token: string): string {
  const host = reachableHost(config);
  return formatConnectionString(
    config.listen.tls === 'on'
      ? { kind: 'tls', host, port, token, fingerprint }
      : { kind: 'tcp', host, port, token },
  );
}

function reachableHost(config: Config): string {
  if (config.listen.host !== '*') return config.listen.host;
  return config.hostNames[0] ?? 'localhost';
}

function untilStopped(engine: Engine, signal: AbortSignal): Promise<Error | null> {
  return new Promise((resolve) => {
    engine.onFailure((error) => resolve(error));
    if (signal.aborted) resolve(null);
    signal.addEventListener('abort', () => resolve(null), { once: true });
  });
}

async function closeEngine(engine: Engine | null, say: (line: string) => void): Promise<void> {
  if (engine === null) return;
  say('flushing and closing the log');
  const slow = setTimeout(() => say('still closing the log'), ENGINE_CLOSE_WARNING_MILLIS);
  try {
    await engine.close();
  } catch (error) {
    // After a failed write there is nothing left to flush; the next start recovers from the disk alone.
    say(`the log did not close: ${(error as Error).message}`);
  } finally {
    clearTimeout(slow);
  }
}
