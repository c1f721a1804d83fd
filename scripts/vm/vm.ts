/** A running virtual machine: started, watched, typed at, photographed, stopped. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chooseAcceleration } from './acceleration.ts';
import type { Acceleration, VmDisk, VmKernel, VmMachine, VmMedium, VmNetwork } from './command-line.ts';
import { qemuArguments } from './command-line.ts';
import { describeFailure } from './diagnostics.ts';
import { copyFirmwareVariables, FIRMWARE_CODE } from './firmware.ts';
import type { KeyName } from './keys.ts';
import { keyCodes, textCodes } from './keys.ts';
import type { Picture } from './png.ts';
import { decodePpm, encodePng } from './png.ts';
import type { BoundProcess } from './process.ts';
import { spawnBound } from './process.ts';
import { Qmp } from './qmp.ts';
import type { Screen } from './screen.ts';
import { SerialLine } from './serial.ts';

const POWER_BUTTON_MS = 5000;

export interface VmOptions {
  readonly name: string;
  /** Logs, screendumps and firmware variables lie here; made when missing. */
  readonly folder: string;
  readonly disks?: readonly VmDisk[];
  readonly medium?: VmMedium;
  readonly network?: VmNetwork;
  readonly kernel?: VmKernel;
  /** fw_cfg items: name (`opt/…`) → content. */
  readonly fwCfg?: Readonly<Record<string, string>>;
  /** 2048 unless told. */
  readonly memoryMiB?: number;
  /** A store of EFI variables to go on with; a fresh one in the folder unless told. */
  readonly firmwareVariables?: string;
  /** False starts without UEFI: direct kernel boot, or a BIOS machine. */
  readonly uefi?: boolean;
  readonly serialPorts?: number;
  /** What this machine can do unless told. */
  readonly acceleration?: Acceleration;
  /** True when a person's terminal is on the line and answers what programs ask a terminal. */
  readonly attended?: boolean;
  readonly extraArgs?: readonly string[];
}

/** Thrown when something awaited did not come: carries screens, logs and pictures in its message. */
export class VmFailure extends Error {
  override readonly name = 'VmFailure';
}

export class Vm {
  readonly name: string;
  readonly folder: string;
  readonly acceleration: Acceleration;
  readonly qmp: Qmp;
  readonly serials: readonly SerialLine[];
  /** `performance.now()` when QEMU was started. */
  readonly startedAt = performance.now();
  readonly #child: BoundProcess;
  #end: string | undefined;
  #pictures = 0;

  constructor(options: VmOptions, acceleration: Acceleration, child: BoundProcess) {
    this.name = options.name;
    this.folder = options.folder;
    this.acceleration = acceleration;
    this.#child = child;
    this.qmp = new Qmp(child.sockets[0]!);
    this.serials = child.sockets
      .slice(1)
      .map(
        (socket, port) =>
          new SerialLine(socket, join(options.folder, `serial${port}.log`), options.attended ?? false),
      );
    void child.ended.then((how) => {
      this.#end = how;
    });
  }

  /** The first serial line. */
  get serial(): SerialLine {
    return this.serials[0]!;
  }

  get screen(): Screen {
    return this.serial.screen;
  }

  get running(): boolean {
    return this.#end === undefined;
  }

  /** Process id of QEMU (setpriv replaces itself by it). */
  get pid(): number | undefined {
    return this.#child.process.pid;
  }

  /** Resolves once QEMU is gone, with a sentence on how. */
  get ended(): Promise<string> {
    return this.#child.ended;
  }

  /** Seconds since power-on. */
  seconds(): number {
    return (performance.now() - this.startedAt) / 1000;
  }

  /**
   * Waits until `condition` gives something other than false or undefined, asked after each change of a serial line
   * and a few times a second. `what` completes the sentence "waited for …". Throws VmFailure after `seconds`, or as soon
   * as the machine is gone.
   */
  async waitFor<T>(what: string, seconds: number, condition: () => T | false | undefined): Promise<T> {
    const end = performance.now() + seconds * 1000;
    while (true) {
      const found = condition();
      if (found !== false && found !== undefined) return found;
      if (!this.running) throw await this.failure(`waited for ${what}, but QEMU ${this.#end}`);
      const left = end - performance.now();
      if (left <= 0) throw await this.failure(`waited ${seconds} s for ${what}`);
      await this.#change(Math.min(left, 200));
    }
  }

  /** Waits for a text on the first serial line's screen. */
  waitForScreen(wanted: string | RegExp | ((screen: Screen) => boolean), seconds: number): Promise<true> {
    const matches = (): boolean => {
      if (typeof wanted === 'function') return wanted(this.screen);
      const text = this.screen.text();
      return typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text);
    };
    return this.waitFor(
      `${wanted} on the serial screen`,
      seconds,
      () => matches() || undefined,
    ) as Promise<true>;
  }

  /** Waits for a line in what the first serial line received since `mark` (0: ever). Gives the match. */
  waitForLog(pattern: RegExp, seconds: number, mark = 0): Promise<RegExpExecArray> {
    return this.waitFor(
      `${pattern} on the serial line`,
      seconds,
      () => pattern.exec(this.serial.textSince(mark)) ?? undefined,
    );
  }

  /** Types on the screen's keyboard (tty1). */
  async pressOnScreen(...keys: readonly KeyName[]): Promise<void> {
    for (const key of keys) await this.#hold(keyCodes(key));
  }

  /** Types a text on the screen's keyboard (tty1). */
  async typeOnScreen(text: string): Promise<void> {
    for (const codes of textCodes(text)) await this.#hold(codes);
  }

  /** The graphical screen (tty1) right now. */
  async picture(): Promise<Picture> {
    const path = join(this.folder, `screendump-${this.#pictures++}.ppm`);
    await this.qmp.execute('screendump', { filename: path });
    const picture = decodePpm(readFileSync(path));
    rmSync(path);
    return picture;
  }

  /** Writes the graphical screen (tty1) as PNG and gives its pixels. */
  async screendump(path: string): Promise<Picture> {
    const picture = await this.picture();
    writeFileSync(path, encodePng(picture));
    return picture;
  }

  /**
   * Presses the power button and waits until the guest has turned itself off; throws VmFailure when it does not.
   * Pressed again every few seconds: a guest that is still starting does not listen to its button yet.
   */
  async powerdown(seconds: number): Promise<void> {
    const press = (): void => void this.qmp.execute('system_powerdown').catch(() => undefined);
    press();
    const again = setInterval(press, POWER_BUTTON_MS);
    try {
      await this.waitForEnd(seconds);
    } finally {
      clearInterval(again);
    }
  }

  /** Waits until the guest turns the machine off. */
  async waitForEnd(seconds: number): Promise<void> {
    const gone = await Promise.race([this.#child.ended, timePasses(seconds * 1000)]);
    if (gone === undefined)
      throw await this.failure(`waited ${seconds} s for the machine to turn itself off`);
    if (gone !== 'ended with status 0')
      throw await this.failure(`the machine should have turned itself off, but QEMU ${gone}`);
  }

  /** Ends QEMU in order: buffers of disk images and recordings are written. For the guest it is a power cut. */
  async quit(): Promise<void> {
    if (!this.running) return;
    await this.qmp.execute('quit').catch(() => undefined);
    await Promise.race([this.#child.ended, timePasses(10_000)]);
    await this.kill();
  }

  /** Ends QEMU at once. Safe to call at any time. */
  async kill(): Promise<void> {
    if (this.running) this.#child.process.kill('SIGKILL');
    await this.#child.ended;
  }

  /** An error that says `reason` and shows the machine: screens, the end of the serial log, a screendump. */
  async failure(reason: string): Promise<VmFailure> {
    return new VmFailure(await describeFailure(this, reason, this.#child.output()));
  }

  async #hold(codes: readonly string[]): Promise<void> {
    await this.qmp.execute('send-key', {
      keys: codes.map((data) => ({ type: 'qcode', data })),
      'hold-time': 20,
    });
    // QEMU queues keys but drops them once its small queue is full.
    await sleep(60);
  }

  async #change(milliseconds: number): Promise<void> {
    const stops: (() => void)[] = [];
    const changed = new Promise<void>((resolve) => {
      for (const serial of this.serials) stops.push(serial.watch(resolve));
    });
    const timer = new AbortController();
    await Promise.race([
      changed,
      sleep(milliseconds, undefined, { signal: timer.signal }).catch(() => undefined),
      this.#child.ended,
    ]);
    timer.abort();
    for (const stop of stops) stop();
  }
}

/** Starts a machine. It runs until it is powered down, killed, or this process ends, however that happens. */
export async function startVm(options: VmOptions): Promise<Vm> {
  const acceleration = options.acceleration ?? (await chooseAcceleration()).acceleration;
  mkdirSync(options.folder, { recursive: true });
  const machine = planMachine(options, acceleration);
  const child = spawnBound('qemu-system-x86_64', qemuArguments(machine), {
    sockets: 1 + machine.serialPorts,
  });
  const vm = new Vm(options, acceleration, child);
  try {
    await vm.qmp.greet();
  } catch {
    throw new VmFailure(`QEMU did not start (${await child.ended}): ${child.output().trim()}`);
  }
  return vm;
}

function planMachine(options: VmOptions, acceleration: Acceleration): VmMachine {
  const fwCfg: Record<string, string> = {};
  for (const [name, content] of Object.entries(options.fwCfg ?? {})) {
    const file = join(options.folder, `fw-cfg-${name.replaceAll('/', '-')}`);
    writeFileSync(file, content);
    fwCfg[name] = file;
  }
  const variables = options.firmwareVariables ?? join(options.folder, 'firmware-variables.fd');
  const uefi = options.uefi ?? true;
  if (uefi && options.firmwareVariables === undefined) copyFirmwareVariables(variables);
  return {
    name: options.name,
    acceleration,
    memoryMiB: options.memoryMiB ?? 2048,
    cpus: 1,
    disks: options.disks ?? [],
    fwCfg,
    serialPorts: options.serialPorts ?? 1,
    extraArgs: options.extraArgs ?? [],
    ...(uefi ? { firmware: { code: FIRMWARE_CODE, variables } } : {}),
    ...(options.medium ? { medium: options.medium } : {}),
    ...(options.network ? { network: options.network } : {}),
    ...(options.kernel ? { kernel: options.kernel } : {}),
  };
}

/** Does not keep this program alive by itself: what is waited for does. */
function timePasses(milliseconds: number): Promise<undefined> {
  return sleep(milliseconds, undefined, { ref: false });
}
