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
import { type Effect, initialState, type SessionEvent, type SessionState } from '../session/state.ts';
import { type Client, createClients } from './clients.ts';
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
  readonly log: Log;
}

export async function startEngine(options: EngineOptions): Promise<Engine> {
  let state = initialState();
  let driver: Client | undefined;
  let progressTimer: NodeJS.Timeout | undefined;
  const log = createLog(options.logFile, options.nowMs, (line) =>
    clients.broadcast(() => ({ type: 'log', lines: [line] })),
  );
  const host = options.createHost(log.write);

  const viewFor = (client: Client) => ({
    type: 'view' as const,
    driver: driver?.console ?? '',
    youDrive: client === driver,
    view: viewOf(state, client === driver),
  });
  const showAll = () => {
    clearTimeout(progressTimer);
    progressTimer = undefined;
    clients.broadcast(viewFor);
  };
  const dispatch = (event: SessionEvent): InstallError | undefined => {
    const step = reduce(state, event);
    if (step.state.page !== state.page) log.write(`page ${step.state.page}`);
    state = step.state;
    if (event.type === 'progress') progressTimer ??= setTimeout(showAll, PROGRESS_INTERVAL_MS);
    else showAll();
    for (const effect of step.effects) carryOut(effect);
    return step.refusal;
  };
  const carryOut = (effect: Effect): void => {
    switch (effect.type) {
      case 'scan':
        void scan();
        return;
      case 'hash-password':
        // After the view that says so has gone out: the hash keeps this thread busy for a moment.
        setImmediate(() =>
          dispatch({ type: 'password-hashed', hash: hashPassword(effect.password, options.random) }),
        );
        return;
      case 'install':
        void runInstall(effect.plan, effect.typed);
        return;
      case 'power':
        power(effect.how);
        return;
    }
  };
  const scan = () => {
    log.write('reading the disks');
    return options.readDisks(host, true).then(
      (disks) => {
        for (const disk of disks) log.write(describe(disk));
        dispatch({ type: 'disks', disks });
        return disks;
      },
      (error: unknown) => {
        log.write(`reading the disks failed: ${asInstallError(error).message}`);
        dispatch({ type: 'scan-failed', text: asInstallError(error).message });
        return [];
      },
    );
  };
  const runInstall = async (plan: InstallPlan, typed: TypedWords | undefined): Promise<boolean> => {
    dispatch({ type: 'install-started' });
    const onProgress: InstallOptions['onProgress'] = (progress) => dispatch({ type: 'progress', progress });
    const { mountRoot, beforeAction } = options;
    const inventory = () => options.readDisks(host, false);
    const shared = { host, inventory, log, mountRoot, onProgress };
    const result = await install(
      plan,
      typed,
      beforeAction === undefined ? shared : { ...shared, beforeAction },
    );
    await log.flush();
    if (result.ok) dispatch({ type: 'installed', outcome: result.outcome });
    else dispatch({ type: 'failed', failure: result.failure });
    return result.ok;
  };
  const power = (how: 'poweroff' | 'reboot') => {
    log.write(how);
    setTimeout(() => {
      host.run('systemctl', [how]).catch((error: unknown) => log.write(asInstallError(error).message));
    }, POWER_DELAY_MS).unref();
  };
  const fail = (error: InstallError) => {
    log.write(`${error.code}: ${error.message}`);
    dispatch({
      type: 'failed',
      failure: {
        code: error.code,
        text: error.message,
        step: '',
        diskState: 'Nothing was written to any disk.',
      },
    });
  };
  const installUnattended = async (): Promise<void> => {
    try {
      if (!(await options.unattendedAllowed())) {
        throw new InstallError(
          'UNATTENDED_GATE',
          'this medium does not install unattended: its command line lacks truthdb.unattended=1; use the -unattended ISO',
        );
      }
      const payload = await payloadReady;
      checkMachine(await options.readFacts());
      const found = await options.findAnswer(host);
      log.write(`answer from ${found.source}`);
      const { plan, after } = planUnattended(found, await scan(), payload);
      if (await runInstall(plan, undefined)) power(after);
    } catch (error) {
      fail(asInstallError(error));
    }
  };

  const clients = createClients({
    onAttach: (client) => {
      log.write(`console ${client.console} attached`);
      clients.send(client, { type: 'log', lines: log.lines().slice(-LOG_LINES_SENT) });
      clients.send(client, viewFor(client));
    },
    onDetach: (client) => {
      log.write(`console ${client.console} detached`);
      if (client === driver) setDriver(undefined);
    },
    onRequest: (client, request) => {
      if (request.type === 'drive') {
        if (client !== driver) setDriver(client);
        return;
      }
      if (driver === undefined) driver = client;
      if (client !== driver) {
        throw new InstallError(
          'NOT_DRIVER',
          `the installation is driven from ${driver.console}; take it over first`,
        );
      }
      const refusal = handle(request);
      if (refusal !== undefined) throw refusal;
    },
  });
  /** Whoever confirms must have seen the page appear on their own console. */
  const setDriver = (client: Client | undefined) => {
    driver = client;
    if (client !== undefined) log.write(`driven from ${client.console}`);
    dispatch({ type: 'driver-changed' });
  };
  const handle = (request: Exclude<Request, { type: 'hello' | 'drive' }>): InstallError | undefined => {
    const nowMs = options.nowMs();
    if (request.type === 'install') return dispatch({ ...request, nowMs });
    if (request.type === 'act') {
      const { page, action, choice, values } = request;
      return dispatch({ type: 'act', input: { page, action, choice, values }, nowMs });
    }
    const refusal = dispatch({ type: 'unattended-started' });
    if (refusal === undefined) void installUnattended();
    return refusal;
  };

  const payloadReady = checkPayload(options.payloadFolder, log, (event) => dispatch(event));
  payloadReady.catch(() => undefined); // Reported by the event; only an unattended installation waits for it.
  options.readFacts().then(
    (facts) => dispatch({ type: 'facts', facts }),
    (error: unknown) => log.write(`reading the hardware failed: ${asInstallError(error).message}`),
  );
  await listen(clients.server, options.socketPath);
  log.write(`engine listens on ${options.socketPath}`);
  return { log, close: () => clients.close() };
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

async function listen(server: import('node:net').Server, path: string): Promise<void> {
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

export type { SessionState };
