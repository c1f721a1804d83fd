import { describe, expect, it } from 'vitest';
import type { Message } from '../../../installer/screens/connection.ts';
import {
  initialLineState,
  type LineEvent,
  type LineStep,
  stepLine,
} from '../../../installer/screens/line.ts';
import { initialEditor, stepEditor } from '../../../installer/screens/line-editor.ts';
import type { PageId, View } from '../../../installer/session/view.ts';
import { everyPage } from './views.ts';

const pages = everyPage();
const viewOf = (page: PageId): View => pages.get(page) as View;

/** The line mode with what it printed, prompted and sent. */
class LineMode {
  state = initialLineState();
  output = '';
  messages: Message[] = [];
  last: LineStep | undefined;

  feed(event: LineEvent): this {
    this.last = stepLine(this.state, event);
    this.state = this.last.state;
    this.output += this.last.output;
    this.messages.push(...this.last.messages);
    return this;
  }

  show(view: View, driver = 'ttyS0', youDrive = true): this {
    this.output = '';
    return this.feed({ type: 'view', view, driver, youDrive });
  }

  type(...lines: string[]): this {
    for (const text of lines) this.feed({ type: 'line', text });
    return this;
  }
}

const at = (page: PageId) => new LineMode().show(viewOf(page));

describe('the line mode', () => {
  it.each([...pages.keys()])(
    'prints page %s with its id, in 79 columns of ASCII but for what must be copied',
    (page) => {
      const { output } = at(page);
      expect(output).toContain(`--- [${page}] `);
      for (const line of output.split('\n')) {
        if (!line.startsWith('  truthdb://')) expect(line.length).toBeLessThanOrEqual(79);
        expect(line).toMatch(/^[\x20-\x7e]*$/);
      }
    },
  );

  it('prompts with the id of the page, and only where there is something to choose', () => {
    expect(at('disk').last?.prompt).toBe('disk> ');
    expect(at('progress').last?.prompt).toBe('');
  });

  it('prints nothing when a view comes again unchanged', () => {
    expect(at('disk').show(viewOf('disk')).output).toBe('');
  });

  it('chooses an action by its letter, its name, or Enter', () => {
    for (const text of ['i', 'install', 'I', '']) {
      expect(at('menu').type(text).messages).toEqual([
        { type: 'act', page: 'menu', action: 'install', choice: '', values: {} },
      ]);
    }
  });

  it('chooses a disk by its number, and Enter alone chooses none of several', () => {
    expect(at('disk').type('2').messages).toMatchObject([{ action: 'next', choice: '1:sdb' }]);
    expect(at('disk').type('').messages).toMatchObject([{ action: 'next', choice: '' }]);
  });

  it('says why a disk cannot be chosen instead of choosing it', () => {
    const view = everyPage('own-medium', 'sda').get('disk') as View;
    const mode = new LineMode().show(view).type('2');
    expect(mode.messages).toEqual([]);
    expect(mode.output).toContain('2: not eligible: installation medium');
  });

  it('edits fields by number, keeps what is not edited, and sends them with the action', () => {
    const mode = at('network').type('1', 'db9', '4', '', '5', '-', 'n');
    expect(mode.messages).toMatchObject([
      { action: 'next', values: { hostname: 'db9', address: '192.0.2.10/24', gateway: '' } },
    ]);
  });

  it('hides fields that do not apply', () => {
    const mode = at('network').type('2', '1');
    expect(mode.output.slice(mode.output.lastIndexOf('Host name'))).not.toContain('Gateway');
  });

  it('reads a password without echo, shows only that it was typed, and forgets it once sent', () => {
    const mode = at('access').type('1');
    expect(mode.last).toMatchObject({ secret: true, prompt: 'Password: ' });
    mode.type('correct horse battery');
    expect(mode.output).not.toContain('correct horse');
    expect(mode.output).toContain('Password: (typed)');
    mode.type('2', 'correct horse battery', 'n');
    expect(mode.messages).toMatchObject([
      { values: { password: 'correct horse battery', repeat: 'correct horse battery' } },
    ]);
    expect(JSON.stringify(mode.state)).not.toContain('correct horse');
  });

  it('is deaf for a second when the confirm page appears', () => {
    expect(at('review').show(viewOf('confirm')).last?.guardMs).toBe(1000);
  });

  it('does nothing on Enter at the confirm page, and sends hash and words with E', () => {
    const mode = at('confirm').type('', '');
    expect(mode.messages).toEqual([]);
    mode.type('1', '2B3C', '2', 'vg_store', 'e');
    const { planHash } = viewOf('confirm');
    expect(mode.messages).toEqual([
      { type: 'install', planHash, typed: { token: '2B3C', array: 'vg_store', data: '' } },
    ]);
  });

  it('only watches while another console drives, until T takes over', () => {
    const mode = new LineMode().show(viewOf('disk'), 'tty1', false);
    expect(mode.output).toContain('Driven from tty1');
    mode.type('2', 'a');
    expect(mode.messages).toEqual([]);
    mode.type('t');
    expect(mode.messages).toEqual([{ type: 'drive' }]);
  });

  it('aborts on Ctrl-C where abort is offered, in the middle of a field too', () => {
    const mode = at('network').type('1').feed({ type: 'interrupt' });
    expect(mode.messages).toMatchObject([{ action: 'abort' }]);
    expect(at('progress').feed({ type: 'interrupt' }).messages).toEqual([]);
  });

  it('prints a line for each step of the progress, not for each change', () => {
    const view = viewOf('progress');
    const progress = view.progress as NonNullable<View['progress']>;
    const mode = at('progress').show({ ...view, progress: { ...progress, overall: 0.421 } });
    expect(mode.output).toBe('');
    mode.show({ ...view, progress: { ...progress, stepNumber: 5, step: 'Next' } });
    expect(mode.output).toBe('[progress] 42 %  step 5/13: Next\n');
  });

  it('shows the notice with its code', () => {
    const notice = { code: 'BAD_FIELD', text: 'Password: too short' };
    expect(at('access').show({ ...viewOf('access'), notice }).output).toContain(
      '! [BAD_FIELD] Password: too short',
    );
  });
});

describe('the line editor', () => {
  const typed = (text: string, secret = false) => {
    let state = initialEditor(secret);
    let echo = '';
    const events = [];
    for (const character of text) {
      const step = stepEditor(state, character);
      state = step.state;
      echo += step.echo;
      if (step.event !== undefined) events.push(step.event);
    }
    return { echo, events };
  };

  it('takes a carriage return, a line feed, or both as one end of line', () => {
    for (const end of ['\r', '\n', '\r\n'])
      expect(typed(`db1${end}`).events).toEqual([{ type: 'line', text: 'db1' }]);
  });

  it('corrects by backspace and Ctrl-U', () => {
    expect(typed('dc\u007fb\b\u007fx\u0015db1\r').events).toEqual([{ type: 'line', text: 'db1' }]);
  });

  it('swallows arrow and function keys', () => {
    expect(typed('d\u001b[Ab\u001bOP\u001b[15~1\r').events).toEqual([{ type: 'line', text: 'db1' }]);
  });

  it('echoes what is typed, but nothing of a secret', () => {
    expect(typed('db1').echo).toBe('db1');
    expect(typed('secret\u007f\r', true).echo).toBe('\n');
  });

  it('reports Ctrl-C and Ctrl-L', () => {
    expect(typed('x\u0003\u000c').events).toEqual([{ type: 'interrupt' }, { type: 'redraw' }]);
  });
});
