import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createHost } from '../../../installer/host.ts';
import type { TestClient } from './client.ts';
import { confirm, ended, useLoopEngine, walkToConfirm } from './loop-engine.ts';

const loop = useLoopEngine();

describe('a refused confirmation', () => {
  let client: TestClient;

  beforeAll(async () => {
    loop.machine.reset();
    client = await loop.start();
    await walkToConfirm(client);
  });

  afterAll(loop.stop);

  it('writes nothing for the wrong token', async () => {
    confirm(client, { token: '0043' });
    expect(await client.refused()).toMatchObject({ code: 'WRONG_TOKEN' });
    expect(client.view.page).toBe('confirm');
    expect(loop.isUntouched()).toBe(true);
  });

  it('writes nothing for the hash of another plan', async () => {
    client.send({ type: 'install', planHash: 'f'.repeat(64), typed: { token: '0042', array: '', data: '' } });
    expect(await client.refused()).toMatchObject({ code: 'PLAN_CHANGED' });
    expect(loop.isUntouched()).toBe(true);
  });

  it('takes nothing from a console that does not drive', async () => {
    const other = await loop.another('tty1');
    other.send({
      type: 'install',
      planHash: client.view.planHash ?? '',
      typed: { token: '0042', array: '', data: '' },
    });
    expect(await other.refused()).toMatchObject({ code: 'NOT_DRIVER' });
    expect(loop.isUntouched()).toBe(true);
  });

  it('is void once another console has taken over', async () => {
    const hash = client.view.planHash ?? '';
    const other = await loop.another('tty2');
    other.send({ type: 'drive' });
    await other.page('review');
    other.send({ type: 'install', planHash: hash, typed: { token: '0042', array: '', data: '' } });
    expect(await other.refused()).toMatchObject({ code: 'STALE_PAGE' });
    expect(loop.isUntouched()).toBe(true);
  });

  it('is told to a console that attaches now with every earlier line of the log, in order and once', async () => {
    const other = await loop.another('tty4');
    const line = 'console tty4 attached';
    await other.until(line, () => logOf(other).find((text) => text.endsWith(line)));
    const lines = logOf(other);
    expect(new Set(lines).size).toBe(lines.length);
    expect(lines[0]).toMatch(/engine listens/);
    expect(lines.at(-1)).toMatch(/tty4 attached/);
  });

  it('survives nonsense on the socket', async () => {
    const other = await loop.another('tty3');
    other.sendRaw('{"v":2}\nnot json\n{"v":1,"type":"act","page":"disk"}\n');
    for (let count = 0; count < 3; count += 1)
      expect(await other.refused()).toMatchObject({ code: 'BAD_MESSAGE' });
    expect(loop.isUntouched()).toBe(true);
  });
});

describe('the last look at the disk', () => {
  beforeAll(() => loop.machine.reset());
  afterEach(loop.stop);

  it('finds a disk that changed after it was confirmed, and writes nothing to it', async () => {
    let readings = 0;
    const client = await loop.start({
      readDisks: async (host, settle) => {
        readings += 1;
        return (await loop.machine.readDisks(host, settle)).map((disk) => ({
          ...disk,
          diskSequence: disk.diskSequence + readings,
        }));
      },
    });
    await walkToConfirm(client);
    confirm(client);
    expect(await ended(client)).toBe('error');
    expect(client.view.text[0]).toMatch(/^\[DISK_CHANGED\]/);
    expect(client.view.text).toContain('Nothing was written to the disk.');
    expect(loop.isUntouched()).toBe(true);
  });

  it('finds that another program holds the lock', async () => {
    const holder = await createHost({ path: loop.machine.path, log: () => undefined }).lock(
      loop.machine.device,
    );
    const client = await loop.start();
    await walkToConfirm(client);
    confirm(client);
    expect(await ended(client)).toBe('error');
    expect(client.view.text[0]).toMatch(/^\[DISK_BUSY\]/);
    expect(loop.isUntouched()).toBe(true);
    await holder.release();
  });
});

function logOf(client: TestClient): readonly string[] {
  return client.replies.flatMap((reply) => (reply.type === 'log' ? reply.lines : []));
}
