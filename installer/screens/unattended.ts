/** The unattended installation's face: asks the engine to start, prints what happens, ends with its result. */

import type { Reply } from '../protocol.ts';
import { openConnection } from './connection.ts';
import { percent } from './text.ts';

const POWER_MESSAGE = 'The machine goes down as the answer says.';

/** @returns Exit code: 0 installed, 1 refused or failed. */
export function runUnattended(socketPath: string, print: (line: string) => void): Promise<number> {
  return new Promise((resolve) => {
    let asked = false;
    let shown = '';
    const finish = (code: number) => {
      connection.close();
      resolve(code);
    };
    const once = (text: string) => {
      if (text !== shown) print(text);
      shown = text;
    };
    const onView = ({ view }: Extract<Reply, { type: 'view' }>) => {
      if (!asked) {
        asked = true;
        connection.send({ type: 'unattended' });
        return;
      }
      const { progress } = view;
      if (view.page === 'unattended') once(`[unattended] ${view.text.join(' ')}`);
      if (progress !== undefined)
        once(
          `[progress] ${percent(progress.overall)}  step ${progress.stepNumber}/${progress.stepCount}: ${progress.step}`,
        );
      if (view.page === 'done') {
        for (const line of [`[done] ${view.title}`, ...view.text, POWER_MESSAGE]) print(line);
        finish(0);
      }
      if (view.page === 'error') {
        for (const line of [`[error] ${view.title}`, ...view.text]) print(line);
        finish(1);
      }
    };
    const connection = openConnection({
      socketPath,
      console: 'unattended',
      onReply: (reply) => {
        if (reply.type === 'view') onView(reply);
        if (reply.type === 'refused') {
          print(`[error] [${reply.code}] ${reply.text}`);
          finish(1);
        }
      },
      onLost: () => once('Waiting for the engine.'),
    });
  });
}
