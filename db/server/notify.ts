/**
 * Tells systemd (Type=notify) that the service is ready. Node cannot write to a unix datagram socket, so systemd's own
 * program does it; the unit allows that with NotifyAccess=all. Does nothing where nobody asked.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { TruthError } from '../errors.ts';

/** Errors: IO when systemd waits for word and cannot be told. */
export async function notifySystemd(
  environment: Readonly<Record<string, string | undefined>>,
  status: string,
): Promise<void> {
  if (environment['NOTIFY_SOCKET'] === undefined) return;
  try {
    const child = spawn('systemd-notify', ['--ready', status], { stdio: ['ignore', 'ignore', 'inherit'] });
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`it ended with ${code}`);
  } catch (cause) {
    throw new TruthError('IO', `systemd-notify --ready failed: ${(cause as Error).message}`, {}, { cause });
  }
}
