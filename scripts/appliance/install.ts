/** An unattended installation: the ISO that asks nobody, and an answer that names the disk and carries hashes only. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Vm, VmDisk } from '../vm/index.ts';
import { startVm } from '../vm/index.ts';
import { installedVariables } from './disk.ts';
import type { Secrets } from './secrets.ts';
import { passwordHash, tokenHash } from './secrets.ts';

/** Under emulation an installation takes about one minute; a slow, busy machine may need several. */
const INSTALL_SECONDS_MAX = 900;
/** The fw_cfg item the unattended ISO reads its answer from. */
export const ANSWER_ITEM = 'opt/org.truthdb/answer';

export interface AnswerOptions {
  readonly disk: {
    readonly serial?: string;
    readonly wwn?: string;
    readonly byId?: string;
    readonly contentFingerprint?: string;
  };
  readonly secrets: Secrets;
  readonly hostname?: string;
  readonly authorizedKeys?: readonly string[];
}

/** The answer file as the installer takes it (installer/answer.schema.json). */
export function answerText(options: AnswerOptions): string {
  return JSON.stringify({
    version: 1,
    disk: options.disk,
    ...(options.hostname === undefined ? {} : { hostname: options.hostname }),
    operator: { passwordHash: passwordHash(options.secrets.operatorPassword) },
    ...(options.authorizedKeys === undefined ? {} : { ssh: { authorizedKeys: options.authorizedKeys } }),
    adminTokenHash: tokenHash(options.secrets.adminToken),
    after: 'poweroff',
  });
}

export interface InstallOptions {
  readonly unattendedIso: string;
  /** Logs, firmware variables. */
  readonly folder: string;
  /** The machine's disks; the answer decides which is written. */
  readonly disks: readonly VmDisk[];
  /** fw_cfg items, among them the answer unless it lies on a volume: name → content. */
  readonly fwCfg?: Readonly<Record<string, string>>;
  readonly progress: (line: string) => void;
}

export interface Installation {
  /** Fingerprint of the TLS certificate made during installation. */
  readonly fingerprint: string;
  readonly seconds: number;
  /** All that the installer said on the serial line. */
  readonly log: string;
}

/** Boots the unattended ISO and waits until it has installed and turned the machine off. Throws VmFailure when it does not. */
export async function installUnattended(options: InstallOptions): Promise<Installation> {
  const vm = await startVm({
    name: 'install',
    folder: options.folder,
    disks: options.disks,
    medium: { path: options.unattendedIso, as: 'cdrom', bootIndex: 9 },
    ...(options.fwCfg === undefined ? {} : { fwCfg: options.fwCfg }),
  });
  const stopTelling = tellLines(vm, options.progress);
  try {
    await vm.waitForEnd(INSTALL_SECONDS_MAX);
  } finally {
    stopTelling();
    await vm.kill();
  }
  keepVariables(options.folder);
  const log = vm.serial.plainText();
  return { fingerprint: fingerprintFrom(log), seconds: vm.seconds(), log };
}

/** Keeps the EFI variables as an installation in `folder` left them. */
export function keepVariables(folder: string): void {
  copyFileSync(join(folder, 'firmware-variables.fd'), installedVariables(folder));
}

/** Fingerprint of the certificate as the installer prints it, alone or in a connection string. Throws when it did not. */
export function fingerprintFrom(log: string): string {
  const found = /\bfp=([0-9a-f]{64})\b/.exec(log) ?? /fingerprint\W+((?:[0-9a-f]{2}:?){32})/i.exec(log);
  if (found === null)
    throw new Error('the installer ended without printing the fingerprint of its certificate');
  return found[1]!.replaceAll(':', '').toLowerCase();
}

/** Passes on each whole line the machine prints, until the returned function is called. */
function tellLines(vm: Vm, progress: (line: string) => void): () => void {
  let told = 0;
  return vm.serial.watch(() => {
    const lines = vm.serial.plainText().split('\n').slice(0, -1);
    for (const line of lines.slice(told)) {
      if (line.trim() !== '' && !line.includes('BdsDxe')) progress(line.trim());
    }
    told = lines.length;
  });
}
