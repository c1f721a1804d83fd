/**
 * The engine: the one process that decides and writes. It holds the dialogue's state, feeds it what interfaces send over the
 * socket, carries out its effects — reading disks, hashing a password, installing, powering off — and shows every interface the
 * resulting view. It imports everything of the installer but screens/; what it does to the machine goes through the host and the
 * files in this folder.
 *
 * What reads the machine is handed in ({@link EngineOptions}): a test hands in loop devices, production hands in the real thing and
 * has no switch to do otherwise.
 */

import { chmod, mkdir, rm } from 'node:fs/promises';
import type { Server } from 'node:net';
import { dirname } from 'node:path';
import type { FoundAnswer } from '../answers/source.ts';
import type { Disk } from '../disks/disk.ts';
import { asInstallError, InstallError } from '../errors.ts';
import { checkHardware, type HardwareFacts } from '../hardware.ts';
import type { Host } from '../host.ts';
import { hashPassword } from '../password.ts';
import { type Payload, verifyPayload } from '../payload.ts';
import type { InstallPlan, TypedWords } from '../plan.ts';
import type { Request } from '../protocol.ts';
import { reduce, viewOf } from '../session/index.ts';
import { type Effect, initialState, type SessionEvent } from '../session/state.ts';
import { type Client, type Clients, createClients } from './clients.ts';
import { type InstallOptions, install } from './install.ts';
import { createLog, type Log } from './log.ts';
import { planUnattended } from './unattended.ts';

/** Views of a running step are sent at most this often: a serial line carries about five screens a second. */
const PROGRESS_INTERVAL_MS = 200;
/** Lines of the log an interface gets when it attaches. */
const LOG_LINES_SENT = 200;
/** Time for the last view to reach the consoles before the machine goes down. */
const POWER_DELAY_MS = 500;

export interface EngineOptions {
  readonly socketPath: string;
  readonly payloadFolder: string;
  readonly mountRoot: string;
  readonly logFile: string;
  /** @param log Given to the host, so that every program's run is in the log. */
  readonly createHost: (log: (line: string) => void) => Host;
  /** @param settle Wait for udev to have seen everything; not while a disk is locked. */
  readonly readDisks: (host: Host, settle: boolean) => Promise<readonly Disk[]>;
  readonly readFacts: () => Promise<HardwareFacts>;
  /** Whether this medium may install unattended. */
  readonly unattendedAllowed: () => Promise<boolean>;
  readonly findAnswer: (host: Host) => Promise<FoundAnswer>;
  readonly random: (count: number) => Uint8Array;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  readonly beforeAction?: NonNullable<InstallOptions['beforeAction']>;
}

export interface Engine {
  /** Stops serving; an installation that runs goes on to its end. */
  close(): Promise<void>;
}

export async function startEngine(options: EngineOptions): Promise<Engine> {
  const engine = new InstallerEngine(options);
  await engine.listen();
  return engine;
}

class InstallerEngine implements Engine {
  readonly #options: EngineOptions;
  readonly #log: Log;
  readonly #host: Host;
  readonly #clients: Clients;
  readonly #payload: Promise<Payload>;
  #state = initialState();
  #driver: Client | undefined;
  #progressTimer: NodeJS.Timeout | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#clients = createClients({
      onAttach: (client) => this.#greet(client),
      onDetach: (client) => this.#detached(client),
      onRequest: (client, request) => this.#receive(client, request),
    });
    this.#log = createLog(options.logFile, options.nowMs, (line) =>
      this.#clients.broadcast(() => ({ type: 'log', lines: [line] })),
    );
    this.#host = options.createHost(this.#log.write);
    this.#payload = checkPayload(options.payloadFolder, this.#log, (event) => this.#dispatch(event));
    this.#payload.catch(() => undefined); // Told by the event; only an unattended installation waits for it.
    options.readFacts().then(
      (facts) => this.#dispatch({ type: 'facts', facts }),
      (error: unknown) => this.#log.write(`reading the hardware failed: ${asInstallError(error).message}`),
    );
  }

  async listen(): Promise<void> {
    await listen(this.#clients.server, this.#options.socketPath);
    this.#log.write(`engine listens on ${this.#options.socketPath}`);
  }

  close(): Promise<void> {
    return this.#clients.close();
  }

  #greet(client: Client): void {
    this.#clients.send(client, { type: 'log', lines: this.#log.lines().slice(-LOG_LINES_SENT) });
    this.#log.write(`console ${client.console} attached`); // Goes to all consoles, the new one among them.
    this.#clients.send(client, this.#viewFor(client));
  }

  #detached(client: Client): void {
    this.#log.write(`console ${client.console} detached`);
    if (client === this.#driver) this.#setDriver(undefined);
  }

  #receive(client: Client, request: Exclude<Request, { type: 'hello' }>): void {
    if (request.type === 'drive') {
      if (client !== this.#driver) this.#setDriver(client);
      return;
    }
    this.#driver ??= client;
    if (client !== this.#driver) {
      throw new InstallError(
        'NOT_DRIVER',
        `the installation is driven from ${this.#driver.console}; take it over first`,
      );
    }
    const refusal = this.#handle(request);
    if (refusal !== undefined) throw refusal;
  }

  #handle(request: Exclude<Request, { type: 'hello' | 'drive' }>): InstallError | undefined {
    const nowMs = this.#options.nowMs();
    if (request.type === 'install') return this.#dispatch({ ...request, nowMs });
    if (request.type === 'act') {
      const { page, action, choice, values } = request;
      return this.#dispatch({ type: 'act', input: { page, action, choice, values }, nowMs });
    }
    const refusal = this.#dispatch({ type: 'unattended-started' });
    if (refusal === undefined) void this.#installUnattended();
    return refusal;
  }

  /** Whoever confirms must have seen the page appear on their own console. */
  #setDriver(client: Client | undefined): void {
    this.#driver = client;
    if (client !== undefined) this.#log.write(`driven from ${client.console}`);
    this.#dispatch({ type: 'driver-changed' });
  }

  #viewFor(client: Client) {
    const youDrive = client === this.#driver;
    return {
      type: 'view' as const,
      driver: this.#driver?.console ?? '',
      youDrive,
      view: viewOf(this.#state, youDrive),
    };
  }

  #showAll(): void {
    clearTimeout(this.#progressTimer);
    this.#progressTimer = undefined;
    this.#clients.broadcast((client) => this.#viewFor(client));
  }

  #dispatch(event: SessionEvent): InstallError | undefined {
    const step = reduce(this.#state, event);
    if (step.state.page !== this.#state.page) this.#log.write(`page ${step.state.page}`);
    this.#state = step.state;
    if (event.type === 'progress') {
      this.#progressTimer ??= setTimeout(() => this.#showAll(), PROGRESS_INTERVAL_MS);
    } else {
      this.#showAll();
    }
    for (const effect of step.effects) this.#carryOut(effect);
    return step.refusal;
  }

  #carryOut(effect: Effect): void {
    switch (effect.type) {
      case 'scan':
        void this.#scan();
        return;
      case 'hash-password':
        // After the view that says so has gone out: the hash keeps this thread busy for a moment.
        setImmediate(() => {
          const hash = hashPassword(effect.password, this.#options.random);
          this.#dispatch({ type: 'password-hashed', hash });
        });
        return;
      case 'install':
        void this.#install(effect.plan, effect.typed);
        return;
      case 'power':
        this.#power(effect.how);
        return;
    }
  }

  async #scan(): Promise<readonly Disk[]> {
    this.#log.write('reading the disks');
    try {
      const disks = await this.#options.readDisks(this.#host, true);
      for (const disk of disks) this.#log.write(describe(disk));
      this.#dispatch({ type: 'disks', disks });
      return disks;
    } catch (thrown) {
      const text = asInstallError(thrown).message;
      this.#log.write(`reading the disks failed: ${text}`);
      this.#dispatch({ type: 'scan-failed', text });
      return [];
    }
  }

  /** @returns Whether the disk is complete. */
  async #install(plan: InstallPlan, typed: TypedWords | undefined): Promise<boolean> {
    const { mountRoot, beforeAction } = this.#options;
    this.#dispatch({ type: 'install-started' });
    const result = await install(plan, typed, {
      host: this.#host,
      inventory: () => this.#options.readDisks(this.#host, false),
      log: this.#log,
      mountRoot,
      onProgress: (progress) => this.#dispatch({ type: 'progress', progress }),
      ...(beforeAction === undefined ? {} : { beforeAction }),
    });
    await this.#log.flush();
    if (result.ok) this.#dispatch({ type: 'installed', outcome: result.outcome });
    else this.#dispatch({ type: 'failed', failure: result.failure });
    return result.ok;
  }

  async #installUnattended(): Promise<void> {
    try {
      if (!(await this.#options.unattendedAllowed())) {
        throw new InstallError(
          'UNATTENDED_GATE',
          'this medium does not install unattended: its command line lacks truthdb.unattended=1; use the -unattended ISO',
        );
      }
      const payload = await this.#payload;
      checkMachine(await this.#options.readFacts());
      const found = await this.#options.findAnswer(this.#host);
      this.#log.write(`answer from ${found.source}`);
      const { plan, after } = planUnattended(found, await this.#scan(), payload);
      if (await this.#install(plan, undefined)) this.#power(after);
    } catch (thrown) {
      const { code, message: text } = asInstallError(thrown);
      this.#log.write(`${code}: ${text}`);
      const failure = { code, text, step: '', diskState: 'Nothing was written to any disk.' };
      this.#dispatch({ type: 'failed', failure });
    }
  }

  #power(how: 'poweroff' | 'reboot'): void {
    this.#log.write(how);
    setTimeout(() => {
      this.#host
        .run('systemctl', [how])
        .catch((error: unknown) => this.#log.write(asInstallError(error).message));
    }, POWER_DELAY_MS).unref();
  }
}

/** What the hardware page asks of a machine before it lets anybody on. */
function checkMachine(facts: HardwareFacts): void {
  const failures = checkHardware(facts).filter(({ level }) => level === 'failure');
  if (failures.length > 0) throw new InstallError('HARDWARE', failures.map(({ text }) => text).join(' '));
}

async function checkPayload(
  folder: string,
  log: Log,
  dispatch: (event: SessionEvent) => void,
): Promise<Payload> {
  let shown = 0;
  try {
    const payload = await verifyPayload(folder, (fraction) => {
      if (fraction - shown < 0.05) return;
      shown = fraction;
      dispatch({ type: 'payload', payload: { state: 'checking', fraction } });
    });
    log.write(`payload ${payload.version} is intact, root hash ${payload.rootHash}`);
    dispatch({ type: 'payload', payload: { state: 'good', payload } });
    return payload;
  } catch (thrown) {
    const error = asInstallError(thrown);
    log.write(`${error.code}: ${error.message}`);
    dispatch({ type: 'payload', payload: { state: 'bad', text: `[${error.code}] ${error.message}` } });
    throw error;
  }
}

async function listen(server: Server, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await rm(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve());
  });
  await chmod(path, 0o600);
}

function describe(disk: Disk): string {
  const reasons = disk.ineligible.map(({ code, text }) => `${code} ${text}`).join('; ');
  return `disk ${disk.path} ${disk.bytes} bytes, ${disk.model}, serial ${disk.serial || 'none'}, ${disk.bus}: ${disk.contents.summary}${reasons === '' ? '' : `; not eligible: ${reasons}`}`;
}
