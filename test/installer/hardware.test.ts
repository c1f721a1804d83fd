import { describe, expect, it } from 'vitest';
import { checkHardware, type HardwareFacts } from '../../installer/hardware.ts';
import { facts } from './examples.ts';

const MIB = 1024 * 1024;
const levelOf = (changes: Partial<HardwareFacts>, name: string) =>
  checkHardware({ ...facts, ...changes }).find((check) => check.name === name)?.level;

describe('the hardware check', () => {
  it('finds nothing wrong with an ordinary machine', () => {
    expect(checkHardware(facts).map(({ level }) => level)).toEqual(['good', 'good', 'good', 'good']);
  });

  it.each([
    ['no UEFI', { uefi: false }, 'firmware', 'failure'],
    ['variables that cannot be written', { efiVariables: false }, 'firmware', 'warning'],
    ['512 MiB', { memoryBytes: 512 * MIB }, 'memory', 'failure'],
    ['a gibibyte, some of it the kernel keeps', { memoryBytes: 960 * MIB }, 'memory', 'warning'],
    ['a clock without a battery', { year: 1970 }, 'clock', 'warning'],
    ['no network', { interfaces: [] }, 'network', 'warning'],
  ] as const)('calls %s by its level', (_name, changes, name, level) => {
    expect(levelOf(changes, name)).toBe(level);
  });
});
