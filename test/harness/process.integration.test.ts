import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { spawnBound } from '../../scripts/vm/process.ts';

const PROCESS = join(import.meta.dirname, '../../scripts/vm/process.ts');

/** False once the process is gone or only waits to be reaped. */
function alive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function gone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 100 && alive(pid); tries += 1) await sleep(50);
  return !alive(pid);
}

/** A program in a process group of its own that tells when it is interrupted, with a process bound to it. */
async function startParent(): Promise<{ readonly parent: ChildProcess; readonly pid: number }> {
  const program = `
    const { spawnBound } = await import(${JSON.stringify(PROCESS)});
    process.on('SIGINT', () => console.log('interrupted'));
    console.log(spawnBound('sleep', ['1000'], { sockets: 1 }).process.pid);
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  onTestFinished(() => void parent.kill('SIGKILL'));
  const [line] = (await once(parent.stdout!, 'data')) as [Buffer];
  await sleep(200);
  return { parent, pid: Number(line.toString().trim()) };
}

describe('a bound process', () => {
  test('dies with its parent even when that is killed without warning', async () => {
    const { parent, pid } = await startParent();
    expect(alive(pid)).toBe(true);
    parent.kill('SIGKILL');
    expect(await gone(pid)).toBe(true);
  });

  test('is spared by Ctrl-C on the terminal, so that its parent can end it in order', async () => {
    const { parent, pid } = await startParent();
    // What a terminal does: the signal goes to the whole group in the foreground.
    process.kill(-parent.pid!, 'SIGINT');
    expect(String(await once(parent.stdout!, 'data'))).toBe('interrupted\n');
    await sleep(200);
    expect(alive(pid)).toBe(true);
    parent.kill('SIGKILL');
    expect(await gone(pid)).toBe(true);
  });

  test('speaks both ways over the sockets it inherits', async () => {
    const child = spawnBound('sh', ['-c', 'read word <&4; echo "heard $word" >&4'], { sockets: 2 });
    child.sockets[1]!.write('hello\n');
    const [answer] = (await once(child.sockets[1]!, 'data')) as [Buffer];
    expect(answer.toString()).toBe('heard hello\n');
    expect(await child.ended).toBe('ended with status 0');
  });

  test('tells how it ended and what it said', async () => {
    const child = spawnBound('sh', ['-c', 'echo trouble >&2; exit 3'], { sockets: 0 });
    expect(await child.ended).toBe('ended with status 3');
    expect(child.output()).toBe('trouble\n');
  });
});
