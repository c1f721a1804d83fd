/** Runs the line mode on a terminal or a pipe: characters through the editor, lines through the machine, text out. */

import { openConnection } from './connection.ts';
import { initialLineState, type LineEvent, stepLine } from './line.ts';
import { type EditorEvent, initialEditor, stepEditor } from './line-editor.ts';
import type { Terminal } from './terminal.ts';

/** @returns When the input ends: never on a terminal. */
export function runLineMode(terminal: Terminal, socketPath: string): Promise<number> {
  return new Promise((resolve) => {
    let state = initialLineState();
    let editor = initialEditor();
    let prompt = '';
    let deaf = false;
    let guardTimer: NodeJS.Timeout | undefined;
    const write = (text: string) => terminal.output.write(text);

    const handle = (event: LineEvent) => {
      const step = stepLine(state, event);
      state = step.state;
      if (step.output !== '') write(prompt === '' ? step.output : `\n${step.output}`);
      for (const message of step.messages) connection.send(message);
      if (step.guardMs > 0) {
        deaf = true;
        clearTimeout(guardTimer);
        guardTimer = setTimeout(() => {
          // Whatever was typed before now was typed for another page.
          deaf = false;
          showPrompt(step.prompt ?? '', step.secret);
        }, step.guardMs);
        prompt = '';
      } else if (step.prompt !== undefined && !deaf) {
        showPrompt(step.prompt, step.secret);
      } else if (step.output !== '' && prompt !== '') {
        write(prompt + (editor.secret ? '' : editor.text));
      }
    };
    const showPrompt = (text: string, secret: boolean) => {
      prompt = text;
      editor = initialEditor(secret);
      write(text);
    };
    const onEditorEvent = (event: EditorEvent) => {
      prompt = '';
      handle(event);
    };

    const connection = openConnection({
      socketPath,
      console: terminal.name,
      onReply: (reply) => handle(reply),
      onLost: () => handle({ type: 'lost' }),
    });
    terminal.input.setEncoding('utf8');
    terminal.input.on('data', (chunk: string | Buffer) => {
      for (const character of String(chunk)) {
        if (deaf) continue;
        const step = stepEditor(editor, character);
        editor = step.state;
        if (terminal.isTerminal && step.echo !== '') write(step.echo);
        if (step.event !== undefined) onEditorEvent(step.event);
      }
    });
    terminal.input.on('end', () => {
      connection.close();
      resolve(0);
    });
    terminal.input.on('error', () => {
      // A line that hangs up (EIO): the unit opens it again.
      connection.close();
      resolve(1);
    });
  });
}
