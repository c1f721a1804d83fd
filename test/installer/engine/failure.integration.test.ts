import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PARTITIONS } from '../../../installer/partition-types.ts';
import type { StepName } from '../../../installer/steps/index.ts';
import { confirm, ended, useLoopEngine, walkToConfirm } from './loop-engine.ts';
import { run } from './loop-machine.ts';

const loop = useLoopEngine();

describe('a failure', () => {
  // The last action of each step: everything before it in the step has been done.
  const faults: readonly (readonly [StepName, number])[] = [
    ['check', 0],
    ['erase', 0],
    ['erase', 1],
    ['erase', 4],
    ['partition', 0],
    ['partition', 2],
    ['root', 0],
    ['verity', 0],
    ['format', 2],
    ['boot', 0],
    ['state', 0],
    ['database', 0],
    ['verify', 3],
    ['verify', 5],
    ['log', 0],
    ['commit', 0],
    ['commit', 2],
    ['commit', 3],
  ];

  beforeAll(() => loop.machine.reset());
  afterEach(loop.stop);

  it.each(faults)('in step %s, action %i, leaves no partition table', async (step, action) => {
    const client = await loop.start({
      beforeAction: (name, number) => {
        if (name === step && number === action) throw new Error('fault put in by the test');
      },
    });
    await walkToConfirm(client);
    confirm(client);
    expect(await ended(client)).toBe('error');
    expect(client.view.text[0]).toBe('[IO] fault put in by the test');
    expect(loop.hasNoTable()).toBe(true);
    expect(run('losetup', ['--list', '--noheadings', '--output', 'NAME', loop.machine.device]).trim()).toBe(
      loop.machine.device,
    );
  });

  it('in telling the firmware is a warning, and the installation complete', async () => {
    const client = await loop.start({
      beforeAction: (name) => {
        if (name === 'firmware') throw new Error('no NVRAM left');
      },
    });
    await walkToConfirm(client);
    confirm(client);
    expect(await ended(client)).toBe('done');
    expect(client.view.text).toContain('Warning: Tell the firmware: no NVRAM left');
    expect(loop.readTable().partitions[0]?.type).toBe(PARTITIONS[0]?.typeGuid);
  });

  it('of the payload keeps the installation from starting', async () => {
    const client = await loop.start({ payloadFolder: join(loop.machine.folder, 'tree') });
    await client.page('menu');
    client.act('install');
    await client.until('failure', () =>
      client.view.text.some((line) => line.includes('PAYLOAD_INVALID')) ? true : undefined,
    );
    client.act('next');
    expect(await client.refused()).toMatchObject({ code: 'NO_SUCH_ACTION' });
  });
});
