/** What a person needs who reads only a failed test's output. */
import { join } from 'node:path';
import type { Vm } from './vm.ts';

const LOG_LINES = 40;

/** `reason`, then screen, end of the serial log, where the whole log and a picture of the screen lie. */
export async function describeFailure(vm: Vm, reason: string, qemuOutput: string): Promise<string> {
  const picture = join(vm.folder, 'failure.png');
  const pictureLine = vm.running
    ? await vm.screendump(picture).then(
        () => `screen of tty1: ${picture}`,
        (error: Error) => `no screendump: ${error.message}`,
      )
    : 'no screendump: the machine is gone';
  const lines = vm.serial
    .plainText()
    .split('\n')
    .filter((line) => line.trim() !== '');
  return [
    `${vm.name}: ${reason} (${vm.seconds().toFixed(1)} s after power-on, ${vm.acceleration})`,
    '--- serial screen',
    framed(vm.screen.text()),
    `--- last ${LOG_LINES} lines of the serial line (all of it: ${vm.serial.logPath})`,
    ...lines.slice(-LOG_LINES),
    '---',
    pictureLine,
    ...(qemuOutput.trim() === '' ? [] : [`QEMU said: ${qemuOutput.trim()}`]),
  ].join('\n');
}

function framed(text: string): string {
  const lines = text.replace(/\n+$/, '').split('\n');
  return lines.map((line) => `| ${line}`).join('\n');
}
