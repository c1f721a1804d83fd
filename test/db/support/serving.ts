/** One way to start a server for a test, and one way to stop everything it made. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, type ClientOptions, connect } from '../../../db/client/index.ts';
import type { Engine } from '../../../db/engine.ts';
import { RealDisk } from '../../../db/io/index.ts';
import { type Address, formatConnectionString } from '../../../db/protocol/index.ts';
import { makeCertificate } from '../../../db/server/certificate.ts';
import { Counters } from '../../../db/server/counters.ts';
import type { Limits } from '../../../db/server/limits.ts';
import { Server } from '../../../db/server/server.ts';
import type { SideEvaluation } from '../../../db/server/side-evaluation.ts';
import type { Role } from '../../../db/server/token-file.ts';
import { type NewToken, TokenStore } from '../../../db/server/tokens.ts';
import { TENANT_DEFAULT } from '../../../db/types.ts';
import { MemoryEngine } from './memory-engine.ts';

export const TEST_LIMITS: Limits = {
  connectionsMax: 100,
  bodyBytesMax: 1024 * 1024,
  inFlightMax: 64,
  inFlightBytesMax: 8 * 1024 * 1024,
  handshakeMillis: 2000,
  frameMillis: 2000,
  idleMillis: 10_000,
  stallMillis: 2000,
  incomingBytesMax: 64 * 1024 * 1024,
  outgoingBytesMax: 64 * 1024 * 1024,
};

export interface Serving {
  readonly engine: Engine;
  readonly server: Server;
  readonly tokens: TokenStore;
  readonly counters: Counters;
  readonly directory: string;
  /** Addresses with a working operator token. */
  readonly tls: Address & { readonly kind: 'tls' };
  readonly tcp: Address & { readonly kind: 'tcp' };
  readonly unix: Address & { readonly kind: 'unix' };
  readonly url: string;
  connect(options?: ClientOptions): Promise<Client>;
  close(): Promise<void>;
}

/** What `TokenStore.create` wants, for a token of the first tenant that is made there and never expires. */
export function newToken(name: string, role: Role, tenant = TENANT_DEFAULT): NewToken {
  return { name, role, tenant, hash: null, expiresAt: null };
}

export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'truthdb-'));
}

export async function startServing(
  limits: Partial<Limits> = {},
  engine: Engine = new MemoryEngine(),
  evaluation: SideEvaluation | null = null,
): Promise<Serving> {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'metadata'));
  const tokens = new TokenStore(new RealDisk(), join(directory, 'metadata', 'tokens.json'), randomBytes);
  const { token } = tokens.create(newToken('admin', 'operator'), new Date());
  const certificate = makeCertificate(['localhost', '127.0.0.1'], randomBytes);
  const path = join(directory, 'truthdb.sock');
  const counters = new Counters();
  const server = await Server.start({
    engine,
    tokens,
    limits: { ...TEST_LIMITS, ...limits },
    counters,
    evaluation,
    report: () => {},
    endpoints: [
      { kind: 'tls', host: '127.0.0.1', port: 0, certificate },
      { kind: 'tcp', host: '127.0.0.1', port: 0 },
      { kind: 'unix', path },
    ],
  });
  const [tlsPort = 0, tcpPort = 0] = server.ports;
  const common = { host: '127.0.0.1', token: token as string };
  const tls = { kind: 'tls', ...common, port: tlsPort, fingerprint: certificate.fingerprint } as const;
  const clients: Client[] = [];
  return {
    engine,
    server,
    tokens,
    counters,
    directory,
    tls,
    tcp: { kind: 'tcp', ...common, port: tcpPort },
    unix: { kind: 'unix', path },
    url: formatConnectionString(tls),
    connect: async (options = {}) => {
      const client = await connect(formatConnectionString(tls), options);
      clients.push(client);
      return client;
    },
    close: async () => {
      await Promise.all(clients.map((client) => client.close()));
      await engine.close();
      await server.close(500);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
