/** Everything the dialogue remembers, and what can happen to it. Plain data: no clock, no randomness, no device in here. */

import type { ApplianceConfig } from '../appliance-config.ts';
import type { Disk } from '../disks/disk.ts';
import type { HardwareFacts } from '../hardware.ts';
import type { Payload } from '../payload.ts';
import type { InstallPlan, TypedWords } from '../plan.ts';
import type { PageId } from './view.ts';

export type PayloadState =
  | { readonly state: 'checking'; readonly fraction: number }
  | { readonly state: 'good'; readonly payload: Payload }
  | { readonly state: 'bad'; readonly text: string };

/** The network page's fields as they were typed; checked when the page is left. */
export interface NetworkForm {
  readonly hostname: string;
  readonly mode: string;
  readonly mac: string;
  readonly address: string;
  readonly gateway: string;
  readonly dns: string;
}

export interface InstallProgress {
  /** 0 to 1. */
  readonly overall: number;
  readonly step: string;
  readonly stepNumber: number;
  readonly stepCount: number;
  /** 0 to 1. */
  readonly stepFraction: number;
}

/** What the last page tells. */
export interface InstallOutcome {
  readonly version: string;
  readonly hostname: string;
  /** Of the static configuration; undefined with DHCP, where the address is not known before the first start. */
  readonly address: string | undefined;
  /** Of the database's TLS certificate. */
  readonly fingerprint: string;
  /** Secret: undefined when the token was given as a hash. Shown once, to the console that drove the installation. */
  readonly adminToken: string | undefined;
  readonly sshFingerprint: string | undefined;
  readonly warnings: readonly string[];
}

export interface InstallFailure {
  readonly code: string;
  readonly text: string;
  /** Step that failed, '' before the first. */
  readonly step: string;
  /** What the disk is like now, in a sentence. */
  readonly diskState: string;
}

export interface Notice {
  readonly code: string;
  readonly text: string;
}

export interface SessionState {
  readonly page: PageId;
  /** Where `abort` and `power` go back to. */
  readonly returnTo: PageId;
  readonly facts: HardwareFacts | undefined;
  readonly payload: PayloadState;
  /** Undefined while the disks are being read. */
  readonly disks: readonly Disk[] | undefined;
  /** Counts readings; row keys carry it, so a choice from an old list is not taken for one from the new. */
  readonly scan: number;
  readonly diskName: string;
  readonly network: NetworkForm;
  /** Secret in the sense of /etc/shadow: never part of a view. '' until a password was accepted. */
  readonly passwordHash: string;
  readonly authorizedKeys: readonly string[];
  /** Waiting for the password's hash. */
  readonly hashing: boolean;
  /** Monotonic milliseconds when the confirm page appeared. */
  readonly confirmSinceMs: number;
  readonly progress: InstallProgress | undefined;
  readonly outcome: InstallOutcome | undefined;
  readonly failure: InstallFailure | undefined;
  readonly notice: Notice | undefined;
}

/** What the console that drives sends when an action is chosen. */
export interface PageInput {
  readonly page: PageId;
  readonly action: string;
  /** Key of the chosen row, '' without one. */
  readonly choice: string;
  readonly values: Readonly<Record<string, string>>;
}

export type SessionEvent =
  | { readonly type: 'act'; readonly input: PageInput; readonly nowMs: number }
  | {
      readonly type: 'install';
      readonly planHash: string;
      readonly typed: TypedWords;
      readonly nowMs: number;
    }
  | { readonly type: 'driver-changed' }
  | { readonly type: 'facts'; readonly facts: HardwareFacts }
  | { readonly type: 'payload'; readonly payload: PayloadState }
  | { readonly type: 'disks'; readonly disks: readonly Disk[] }
  | { readonly type: 'scan-failed'; readonly text: string }
  | { readonly type: 'password-hashed'; readonly hash: string }
  | { readonly type: 'unattended-started' }
  | { readonly type: 'install-started' }
  | { readonly type: 'progress'; readonly progress: InstallProgress }
  | { readonly type: 'installed'; readonly outcome: InstallOutcome }
  | { readonly type: 'failed'; readonly failure: InstallFailure };

/** What the engine does next; each ends in an event. */
export type Effect =
  | { readonly type: 'scan' }
  | { readonly type: 'hash-password'; readonly password: string }
  | { readonly type: 'install'; readonly plan: InstallPlan; readonly typed: TypedWords }
  | { readonly type: 'power'; readonly how: 'poweroff' | 'reboot' };

export interface Transition {
  readonly state: SessionState;
  readonly effects: readonly Effect[];
}

export function initialState(): SessionState {
  return {
    page: 'menu',
    returnTo: 'menu',
    facts: undefined,
    payload: { state: 'checking', fraction: 0 },
    disks: undefined,
    scan: 0,
    diskName: '',
    network: { hostname: 'truthdb', mode: 'dhcp', mac: '', address: '', gateway: '', dns: '' },
    passwordHash: '',
    authorizedKeys: [],
    hashing: false,
    confirmSinceMs: 0,
    progress: undefined,
    outcome: undefined,
    failure: undefined,
    notice: undefined,
  };
}

export function chosenDisk(state: SessionState): Disk | undefined {
  return state.disks?.find(({ name }) => name === state.diskName);
}

/** The network form as configuration, unchecked. */
export function networkConfig(form: NetworkForm): ApplianceConfig['network'] {
  if (form.mode === 'dhcp') return { mode: 'dhcp' };
  const dns = form.dns.split(/[\s,]+/).filter((address) => address !== '');
  return {
    mode: 'static',
    ...(form.mac === '' ? {} : { mac: form.mac }),
    address: form.address,
    ...(form.gateway === '' ? {} : { gateway: form.gateway }),
    dns,
  };
}
