import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Message } from '../../../installer/screens/connection.ts';
import {
  controlsOf,
  type FormEvent,
  initialForm,
  type Key,
  stepForm,
} from '../../../installer/screens/form.ts';
import { paint } from '../../../installer/screens/paint.ts';
import type { PageId, View } from '../../../installer/session/view.ts';
import { everyPage } from './views.ts';

const pages = everyPage();
const viewOf = (page: PageId): View => pages.get(page) as View;
const named = (name: string): Key => ({ name, character: '', control: false });
const typed = (character: string): Key => ({ name: character, character, control: false });
const control = (name: string): Key => ({ name, character: '', control: true });
const ENTER = named('enter');
const TAB = named('tab');

/** The disk page while the disks are being read: no list yet, and only the ways out can be chosen. */
function readingDisks(): View {
  const { list, enter, ...view } = viewOf('disk');
  const ways = ['back', 'abort'];
  return {
    ...view,
    actions: view.actions.map((action) => ({ ...action, enabled: ways.includes(action.name) })),
  };
}

/** The full-screen interface with what it sent. */
class Form {
  state = initialForm();
  messages: Message[] = [];
  guardMs = 0;

  feed(event: FormEvent): this {
    const step = stepForm(this.state, event);
    this.state = step.state;
    this.messages.push(...step.messages);
    this.guardMs = step.guardMs;
    return this;
  }

  show(view: View, driver = 'ttyS0', youDrive = true): this {
    return this.feed({ type: 'view', view, driver, youDrive });
  }

  press(...keys: readonly Key[]): this {
    for (const key of keys) this.feed({ type: 'key', key });
    return this;
  }

  write(text: string): this {
    return this.press(...[...text].map(typed));
  }

  get focused(): string {
    const found = controlsOf(this.state.view as View, this.state.values)[this.state.focus];
    return found === undefined
      ? ''
      : found.kind === 'list'
        ? 'list'
        : found.kind === 'field'
          ? found.field.name
          : found.action.name;
  }

  get screen(): string[] {
    return paint(this.state, { columns: 80, rows: 24, unicode: false, console: 'ttyS0' }).map((line) =>
      line.map(({ text }) => text).join(''),
    );
  }
}

const at = (page: PageId) => new Form().show(viewOf(page));

describe('what is painted', () => {
  it.each([...pages.keys()])(
    'of page %s fits 24 lines of 79 columns of ASCII, with the id bottom right',
    (page) => {
      const { screen } = at(page);
      expect(screen.length).toBe(24);
      for (const line of screen) {
        expect(line.length).toBeLessThanOrEqual(79);
        expect(line).toMatch(/^[\x20-\x7e]*$/);
      }
      expect(screen.at(-1)?.endsWith(`[${page}]`)).toBe(true);
    },
  );

  it('is the same number of lines in larger terminals and with help or log over it', () => {
    const form = at('disk').feed({
      type: 'log',
      lines: Array.from({ length: 300 }, (_, index) => `line ${index} ${'x'.repeat(150)}`),
    });
    for (const key of ['f1', 'f2']) {
      form.press(named(key));
      for (const [columns, rows] of [
        [80, 24],
        [132, 50],
      ] as const) {
        expect(paint(form.state, { columns, rows, unicode: true, console: 'tty1' }).length).toBe(rows);
      }
      form.press(ENTER);
    }
  });

  it('keeps the end of a serial that is too long, and marks the cut', () => {
    const view = everyPage('iscsi-fc', 'sda').get('disk') as View;
    expect(new Form().show(view).screen.join('\n')).toContain('~8-293a-4b5c6d7e8f90');
  });

  it('marks what has the focus without any colour', () => {
    expect(at('menu').screen.join('\n')).toContain('>[I]nstall<');
    expect(at('network').screen.join('\n')).toContain('> Host name:');
    expect(at('disk').press(named('down')).screen.join('\n')).toContain('> 1 4.0 TB');
  });

  it('shows stars for a secret, and the end of a value that is too long', () => {
    const form = at('access').write('hunter2hunter2');
    expect(form.screen.join('\n')).toContain('[**************_');
    expect(form.screen.join('\n')).not.toContain('hunter');
    const key = at('access')
      .press(TAB, TAB)
      .write(`${'x'.repeat(200)}end`);
    expect(key.screen.join('\n')).toContain('xxxend_]');
  });

  it('scrolls a list that is longer than the screen, and follows the bar', () => {
    const view = viewOf('disk');
    const rows = Array.from({ length: 20 }, (_, index) => ({
      key: `1:d${index}`,
      cells: [`${index}`, 'm', `serial-${index}`],
      detail: 'empty',
      enabled: true,
    }));
    const form = new Form().show({ ...view, list: { ...(view.list as NonNullable<View['list']>), rows } });
    expect(form.screen.join('\n')).not.toContain('serial-19');
    for (let count = 0; count < 20; count += 1) form.press(named('down'));
    expect(form.screen.join('\n')).toContain('serial-19');
  });
});

describe('the keys', () => {
  it('Enter on the menu begins, letters choose, Escape goes back, F5 rescans, Ctrl-C aborts', () => {
    expect(at('menu').press(ENTER).messages).toMatchObject([{ action: 'install' }]);
    expect(at('menu').press(typed('P')).messages).toMatchObject([{ action: 'power' }]);
    expect(at('disk').press(named('escape')).messages).toMatchObject([{ action: 'back' }]);
    expect(at('disk').press(named('f5')).messages).toMatchObject([{ action: 'rescan' }]);
    expect(at('network').press(control('c')).messages).toMatchObject([{ action: 'abort' }]);
  });

  it('choose a disk only after the bar was put on it', () => {
    expect(at('disk').press(ENTER).messages).toMatchObject([{ action: 'next', choice: '' }]);
    expect(at('disk').press(named('down'), named('down'), ENTER).messages).toMatchObject([
      { choice: '1:sdb' },
    ]);
    expect(at('disk').press(typed('3'), ENTER).messages).toMatchObject([{ choice: '1:sdc' }]);
  });

  it('fill in fields, Enter leading to the next and at last to the action', () => {
    const form = at('access').write('secret one').press(ENTER).write('secret two').press(ENTER, ENTER);
    expect(form.focused).toBe('next');
    expect(form.press(ENTER).messages).toMatchObject([
      { action: 'next', values: { password: 'secret one', repeat: 'secret two' } },
    ]);
    expect(JSON.stringify(form.state)).not.toContain('secret one');
  });

  it('change a choice by space and arrows, which shows and hides fields', () => {
    const form = at('network').press(TAB);
    expect(form.screen.join('\n')).toContain('Gateway');
    form.press(typed(' '));
    expect(form.screen.join('\n')).not.toContain('Gateway');
    expect(form.press(named('left')).screen.join('\n')).toContain('Gateway');
  });

  it('type letters into fields and never press buttons beside them', () => {
    const form = at('access').press(TAB, TAB, TAB).write('back and abort');
    expect([form.focused, form.messages]).toEqual(['next', []]);
  });

  it('lead back to the first field after a refusal', () => {
    const form = at('access')
      .press(TAB, TAB, TAB, ENTER)
      .feed({ type: 'refused', code: 'BAD_FIELD', text: 'Password: too short' });
    expect(form.focused).toBe('password');
    expect(form.screen.join('\n')).toContain('! [BAD_FIELD] Password: too short');
  });

  it('do nothing but watch while another console drives, until T', () => {
    const form = new Form()
      .show(viewOf('disk'), 'tty1', false)
      .press(ENTER, named('escape'), named('f5'), control('c'), typed('a'));
    expect(form.messages).toEqual([]);
    expect(form.screen.join('\n')).toContain('Driven from tty1. [T] takes the installation over.');
    expect(form.press(typed('t')).messages).toEqual([{ type: 'drive' }]);
  });

  it('open help and log, and any key closes them without doing anything else', () => {
    const form = at('menu').press(named('f1'));
    expect(form.screen.join('\n')).toContain('PgUp, PgDn               scroll');
    form.press(ENTER);
    expect([form.state.overlay, form.messages]).toEqual(['none', []]);
  });
});

describe('the confirm page', () => {
  it('is deaf for a second', () => {
    expect(at('review').show(viewOf('confirm')).guardMs).toBe(1000);
  });

  it('is not confirmed by leaning on Enter: that ends on Back', () => {
    const form = at('confirm').write('2B3C').press(ENTER, ENTER, ENTER);
    expect(form.messages).toMatchObject([{ type: 'act', action: 'back' }]);
  });

  it('sends the hash it was shown and what was typed when the button is chosen', () => {
    const form = at('confirm').write('2B3C').press(TAB).write('vg_store').press(TAB, TAB);
    expect(form.focused).toBe('install');
    expect(form.press(ENTER).messages).toEqual([
      {
        type: 'install',
        planHash: viewOf('confirm').planHash,
        typed: { token: '2B3C', array: 'vg_store', data: '' },
      },
    ]);
  });

  it('never installs by any keys but Tab or arrows to the button, and Enter or Space on it', () => {
    const key = fc.oneof(
      fc.constantFrom(
        ENTER,
        named('escape'),
        named('f5'),
        named('f9'),
        named('f10'),
        named('f1'),
        control('c'),
        named('backspace'),
      ),
      fc.constantFrom(...[...'eE i2B3Cyn'].map(typed)),
    );
    fc.assert(
      fc.property(fc.array(key, { maxLength: 40 }), (keys) => {
        // Without moving keys: Enter moves forward to Back and chooses it there, so the button is never reached.
        const form = at('confirm');
        for (const pressed of keys) {
          form.press(pressed);
          if (form.messages.length > 0) break;
        }
        expect(form.messages.every(({ type }) => type !== 'install')).toBe(true);
      }),
    );
  });
});

describe('the focus', () => {
  it('stays on a control that exists, whatever views and keys come', () => {
    const key = fc.constantFrom(
      ENTER,
      TAB,
      named('backtab'),
      named('up'),
      named('down'),
      named('left'),
      named('right'),
      named('pageup'),
      named('pagedown'),
      typed('x'),
      typed(' '),
      named('f2'),
    );
    const event = fc.oneof(
      key.map((pressed): FormEvent => ({ type: 'key', key: pressed })),
      fc
        .constantFrom(...pages.keys())
        .map((page): FormEvent => ({ type: 'view', view: viewOf(page), driver: 'ttyS0', youDrive: true })),
      fc.constant<FormEvent>({ type: 'refused', code: 'BAD_FIELD', text: 'x'.repeat(300) }),
      fc.constant<FormEvent>({ type: 'lost' }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const form = at('menu');
        for (const next of events) {
          form.feed(next);
          const { view, values, focus } = form.state;
          if (view === undefined) continue;
          expect(focus).toBeLessThan(Math.max(1, controlsOf(view, values).length));
          for (const line of form.screen) expect(line.length).toBeLessThanOrEqual(79);
          expect(form.screen.length).toBe(24);
        }
      }),
    );
  });
});

describe('a list that arrives while the page is shown', () => {
  it('gets the focus, when nobody had put it anywhere', () => {
    expect(new Form().show(readingDisks()).show(viewOf('disk')).focused).toBe('list');
  });

  it('leaves it to a hand that is about to press something', () => {
    const form = new Form().show(readingDisks()).press(TAB, TAB, TAB);
    expect(form.focused).toBe('abort');
    form.show(viewOf('disk')).press(ENTER);
    expect(form.messages).toMatchObject([{ type: 'act', action: 'abort' }]);
  });

  it('gets it back after it was read anew', () => {
    const form = at('disk').press(TAB, TAB);
    expect(form.focused).toBe('rescan');
    expect(form.show(readingDisks()).show(viewOf('disk')).focused).toBe('list');
  });
});
