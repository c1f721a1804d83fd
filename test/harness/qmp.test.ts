import { Duplex } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { Qmp } from '../../scripts/vm/qmp.ts';

/** A far end that records commands and lets the test speak for QEMU. */
function farEnd(): { stream: Duplex; commands: { execute: string }[]; say: (text: string) => void } {
  const commands: { execute: string }[] = [];
  const stream = new Duplex({
    read: () => undefined,
    write: (bytes: Buffer, _encoding, done) => {
      commands.push(JSON.parse(bytes.toString()) as { execute: string });
      done();
    },
  });
  return { stream, commands, say: (text) => stream.push(text) };
}

describe('the control connection to QEMU', () => {
  test('answers commands in the order they were sent, however the lines are cut', async () => {
    const { stream, commands, say } = farEnd();
    const qmp = new Qmp(stream);
    say('{"QMP": {}}\r\n');
    const answers = Promise.all([qmp.greet(), qmp.execute('query-status')]);
    say('{"return": {}}\r\n{"retu');
    say('rn": {"running": true, "status": "running"}}\r\n');
    expect((await answers)[1]).toEqual({ running: true, status: 'running' });
    expect(commands).toEqual([{ execute: 'qmp_capabilities' }, { execute: 'query-status' }]);
  });

  test('hands out events that come between command and answer', async () => {
    const { stream, say } = farEnd();
    const qmp = new Qmp(stream);
    const events: string[] = [];
    qmp.onEvent((event) => events.push(event.event));
    const answer = qmp.execute('stop');
    say('{"event": "STOP", "data": {}}\n{"return": {}}\n');
    await answer;
    expect(events).toEqual(['STOP']);
  });

  test('tells which command QEMU refused and why', async () => {
    const { stream, say } = farEnd();
    const answer = new Qmp(stream).execute('device_del', { id: 'disk7' });
    say('{"error": {"class": "DeviceNotFound", "desc": "Device \'disk7\' not found"}}\n');
    await expect(answer).rejects.toThrow("device_del: Device 'disk7' not found");
  });

  test('fails what is under way and what comes later when QEMU is gone', async () => {
    const { stream } = farEnd();
    const qmp = new Qmp(stream);
    const answer = qmp.execute('cont');
    stream.destroy();
    await expect(answer).rejects.toThrow('the machine is gone');
    await expect(qmp.execute('cont')).rejects.toThrow('the machine is gone');
  });
});
