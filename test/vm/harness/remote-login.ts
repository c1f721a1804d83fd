/** Logging in by SSH from the host, as an administrator would. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Vm } from '../../../scripts/vm/index.ts';

const run = promisify(execFile);

const SSH_SECONDS = 120;
const RETRY_MS = 1000;
/** What ssh says while the machine's server is not there yet. */
const NOT_YET = /Connection (reset|refused|closed|timed out)|kex_exchange_identification/;

export interface RemoteAnswer {
  readonly output: string;
  readonly complaint: string;
  readonly status: number;
}

/** Runs a command on the machine whose SSH port is forwarded to `port`, waiting until its server answers. Never asks anybody. */
export async function overSsh(
  vm: Vm,
  port: number,
  user: string,
  options: readonly string[],
  command: string,
): Promise<RemoteAnswer> {
  const known = join(vm.folder, 'known_hosts');
  const settings = ['BatchMode=yes', 'StrictHostKeyChecking=accept-new', `UserKnownHostsFile=${known}`];
  const args = [
    '-F',
    '/dev/null',
    '-p',
    String(port),
    ...[...settings, ...options].map((text) => `-o${text}`),
  ];
  const end = performance.now() + SSH_SECONDS * 1000;
  while (true) {
    const answer = await run('ssh', [...args, `${user}@127.0.0.1`, command]).then(
      ({ stdout, stderr }) => ({ output: stdout, complaint: stderr, status: 0 }),
      ({ stdout, stderr, code }: { stdout: string; stderr: string; code: number }) => ({
        output: stdout,
        complaint: stderr,
        status: code,
      }),
    );
    if (answer.status === 0 || !NOT_YET.test(answer.complaint)) return answer;
    if (performance.now() > end) throw await vm.failure(`SSH does not answer: ${answer.complaint}`);
    await sleep(RETRY_MS);
  }
}
