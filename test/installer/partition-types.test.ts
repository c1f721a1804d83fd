import { describe, expect, it } from 'vitest';
import {
  ESP_TYPE_GUID,
  PARTITIONS,
  slotPartitionUuids,
  UNCOMMITTED_TYPE_GUID,
} from '../../installer/partition-types.ts';

describe('the table of partitions', () => {
  it('numbers the partitions from one without a gap and puts data, which takes the rest, last', () => {
    expect(PARTITIONS.map((partition) => partition.number)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(
      PARTITIONS.filter((partition) => partition.bytes === 'rest').map((partition) => partition.name),
    ).toEqual(['data']);
    expect(PARTITIONS.at(-1)?.name).toBe('data');
  });

  it('gives both slots the same sizes and types', () => {
    const shapes = (slot: string) =>
      PARTITIONS.filter((partition) => partition.name.endsWith(slot)).map(({ typeGuid, bytes }) => ({
        typeGuid,
        bytes,
      }));
    expect(shapes('-a')).toEqual(shapes('-b'));
  });

  it('has labels that fit a GPT entry and differ, and type GUIDs in canonical form', () => {
    expect(new Set(PARTITIONS.map((partition) => partition.label)).size).toBe(PARTITIONS.length);
    for (const { label, typeGuid } of PARTITIONS) {
      expect(label.length).toBeLessThanOrEqual(36);
      expect(typeGuid).toMatch(/^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/);
    }
  });

  it('uses a type for the uncommitted first partition that no partition of a finished disk has', () => {
    expect(PARTITIONS.map((partition) => partition.typeGuid)).not.toContain(UNCOMMITTED_TYPE_GUID);
    expect(PARTITIONS[0]?.typeGuid).toBe(ESP_TYPE_GUID);
  });
});

describe('the PARTUUIDs of a slot', () => {
  it('are the two halves of the root hash', () => {
    expect(slotPartitionUuids('00112233445566778899aabbccddeeff0123456789ABCDEF0123456789abcdef')).toEqual({
      root: '00112233-4455-6677-8899-aabbccddeeff',
      verity: '01234567-89ab-cdef-0123-456789abcdef',
    });
  });

  it('are refused for anything that is not a SHA-256 root hash', () => {
    expect(() => slotPartitionUuids('00112233')).toThrow('is not 64 hexadecimal digits');
  });
});
