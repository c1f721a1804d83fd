/**
 * One connection to a server: opens it, checks whom it has reached, says HELLO, then passes frames both ways.
 * It ends once, with the reason; who wants another one opens it.
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { TruthError } from '../errors.ts';
import {
  type Address,
  BODY_BYTES_CEILING,
  type ByteReader,
  ByteWriter,
  decodeError,
  decodeWelcome,
  encodeEmpty,
  encodeHello,
  FrameReader,
  KIND,
  PROTOCOL_VERSION_MAX,
  PROTOCOL_VERSION_MIN,
  type Welcome,
} from '../protocol/index.ts';
import { VERSION } from '../version.ts';

export interface ConnectionOptions {
  readonly address: Address;
  /** From the first packet to WELCOME. */
  readonly connectMillis: number;
  readonly onFrame: (kind: number, request: number, body: ByteReader) => void;
  /** Called once, only after the connection had been opened. */
  readonly onClosed: (reason: TruthError) => void;
}

const HELLO_REQUEST = 1;
const COPIED_BYTES_MAX = 2048;
const READ_BYTES = 256 * 1024;
const CLIENT_NAME = `truthdb-ts/${VERSION}`;

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #frames = new FrameReader(BODY_BYTES_CEILING);
  readonly #opened = Promise.withResolvers<Welcome>();
  readonly out = new ByteWriter();
  #state: 'opening' | 'open' | 'closed' = 'opening';
  #scheduled = false;

  /** Resolves once the server has said WELCOME. Errors: CONNECTION, TIMEOUT, UNAUTHENTICATED and what the server says. */
  static async open(options: ConnectionOptions): Promise<{ connection: Connection; welcome: Welcome }> {
    const connection = new Connection(options);
    const timer = setTimeout(() => {
      connection.#close(
        new TruthError(
          'TIMEOUT',
          `${placeOf(options.address)} did not answer within ${options.connectMillis} ms`,
        ),
      );
    }, options.connectMillis);
    try {
      return { connection, welcome: await connection.#opened.promise };
    } finally {
      clearTimeout(timer);
    }
  }

  private constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#socket = openSocket(
      options.address,
      () => this.#connected(),
      (chunk, lent) => this.#take(chunk, lent),
    );
    this.#socket.setNoDelay(true);
    this.#socket.on('error', (cause) => this.#close(connectionError(options.address, cause)));
    this.#socket.on('close', () => {
      this.#close(new TruthError('CONNECTION', `${placeOf(options.address)} closed the connection`));
    });
  }

  /** Bytes written and not taken by the kernel yet. */
  get unsentBytes(): number {
    return this.out.length + this.#socket.writableLength;
  }

  #connected(): void {
    const { address } = this.#options;
    if (address.kind === 'tls' && address.fingerprint !== null) {
      const shown = shownFingerprint(this.#socket as TLSSocket);
      if (shown !== address.fingerprint) {
        this.#close(wrongCertificate(address, shown));
        return;
      }
    }
    encodeHello(this.out, HELLO_REQUEST, {
      versionMin: PROTOCOL_VERSION_MIN,
      versionMax: PROTOCOL_VERSION_MAX,
      token: address.kind === 'unix' ? '' : address.token,
      name: CLIENT_NAME,
    });
    this.flush();
  }

  /** `lent`: the next read of any connection overwrites the chunk. */
  #take(chunk: Buffer, lent: boolean): void {
    if (this.#state === 'closed') return;
    try {
      this.#frames.push(chunk);
      while (this.#state !== ('closed' as string) && this.#frames.next()) this.#handle();
      if (lent) this.#frames.giveBack();
    } catch (error) {
      this.#close(error instanceof TruthError ? error : new TruthError('PROTOCOL', String(error)));
    }
  }

  #handle(): void {
    const { kind, request, body } = this.#frames;
    // Answers to appends are numbers; what else there is may be kept by whoever asked for it.
    if (kind !== KIND.APPENDED) this.#frames.own();
    if (kind === KIND.ERROR && (request === 0 || this.#state === 'opening')) {
      this.#close(decodeError(body));
    } else if (kind === KIND.SERVER_PING) {
      encodeEmpty(this.out, KIND.PONG, 0);
      this.schedule();
    } else if (this.#state === 'open') {
      this.#options.onFrame(kind, request, body);
    } else if (kind === KIND.WELCOME) {
      this.#state = 'open';
      this.#opened.resolve(decodeWelcome(body));
    } else {
      throw new TruthError('PROTOCOL', `the server answered HELLO with a frame of kind ${kind}`);
    }
  }

  /** Sends what was written to `out` at the end of this turn of the event loop, in one piece. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  flush(): void {
    const bytes = this.out.taken();
    if (bytes.length === 0) return;
    if (this.#state === 'closed') {
      this.out.reuse();
    } else if (bytes.length <= COPIED_BYTES_MAX) {
      this.#socket.write(Buffer.from(bytes));
      this.out.reuse();
    } else {
      this.#socket.write(bytes);
      if (this.#socket.writableLength === 0) this.out.reuse();
      else this.out.replace();
    }
  }

  /** Sends what is written, then ends. */
  end(): void {
    this.flush();
    this.#state = 'closed';
    this.#socket.end();
    this.#socket.resume();
    setTimeout(() => this.#socket.destroy(), 1000).unref();
  }

  #close(reason: TruthError): void {
    const before = this.#state;
    if (before === 'closed') return;
    this.#state = 'closed';
    this.#socket.destroy();
    if (before === 'opening') this.#opened.reject(reason);
    else this.#options.onClosed(reason);
  }
}

/** One for all connections: Node would give every read 64 KiB of its own otherwise. */
let readBuffer: Buffer | null = null;

type TakeBytes = (chunk: Buffer, lent: boolean) => void;

function openSocket(address: Address, connected: () => void, take: TakeBytes): Socket {
  if (address.kind === 'tls') return openTlsSocket(address, connected, take);
  readBuffer ??= Buffer.allocUnsafeSlow(READ_BYTES);
  const onread = {
    buffer: readBuffer,
    callback: (bytes: number, buffer: Uint8Array): boolean => {
      take((buffer as Buffer).subarray(0, bytes), true);
      return true;
    },
  };
  if (address.kind === 'unix') return connectTcp({ path: address.path, onread }, connected);
  return connectTcp({ host: address.host, port: address.port, onread }, connected);
}

function openTlsSocket(
  { host, port, fingerprint }: Address & { readonly kind: 'tls' },
  connected: () => void,
  take: TakeBytes,
): Socket {
  const socket = connectTls(
    {
      host,
      port,
      minVersion: 'TLSv1.3',
      // A pinned certificate is checked by its fingerprint, before anything is sent: its issuer and name say nothing.
      rejectUnauthorized: fingerprint === null,
      ...(isIP(host) === 0 ? { servername: host } : {}),
    },
    connected,
  );
  socket.on('data', (chunk: Buffer) => take(chunk, false));
  return socket;
}

function shownFingerprint(socket: TLSSocket): string {
  const certificate = socket.getPeerX509Certificate();
  return certificate === undefined ? 'none' : createHash('sha256').update(certificate.raw).digest('hex');
}

function wrongCertificate(address: Address & { readonly kind: 'tls' }, shown: string): TruthError {
  return new TruthError(
    'UNAUTHENTICATED',
    `${placeOf(address)} shows a certificate with the fingerprint ${shown}, but the connection string pins ` +
      `${address.fingerprint}. Nothing was sent. Either the server has a new certificate (then take the new ` +
      'connection string from its console) or somebody else answers in its place',
    { shown, pinned: address.fingerprint },
  );
}

function connectionError(address: Address, cause: Error): TruthError {
  const hint =
    'code' in cause && cause.code === 'ERR_SSL_WRONG_VERSION_NUMBER'
      ? ' (the server does not speak TLS there; add ?tls=off if that is meant)'
      : '';
  return new TruthError('CONNECTION', `${placeOf(address)}: ${cause.message}${hint}`, {}, { cause });
}

export function placeOf(address: Address): string {
  return address.kind === 'unix' ? address.path : `${address.host}:${address.port}`;
}
