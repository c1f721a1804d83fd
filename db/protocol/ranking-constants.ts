/** Numbers of the frames that carry ranking, spoken from version 4 on. A number that was ever released is never reused. */
import { layout } from './layout.ts';

/** Signals in one batch. */
export const SIGNALS_MAX = 10_000;

const SIGNALS_BODY = layout(
  'SIGNALS',
  [
    ['failure', 'u8', '0 what is wrong refuses only itself, 1 one that is wrong refuses all'],
    ['reserved', 'u8', 'zero'],
    ['reserved2', 'u16', 'zero'],
    ['count', 'u32', 'number of signals, 1 to 10,000'],
  ],
  'the signals',
);

const SIGNAL_DRAFT = layout(
  'Signal in SIGNALS',
  [
    ['weight', 'f64', 'not a number: the default of the signal'],
    ['at', 'u64', 'microseconds since 1970-01-01T00:00:00Z; all ones: when it is recorded'],
    ['signalBytes', 'u16', 'bytes of the name of the signal'],
    ['targetBytes', 'u16', 'bytes of the key of what it is about'],
    ['userBytes', 'u16', 'bytes of the key of who did it; 0: nobody'],
    ['idBytes', 'u16', 'bytes of the client’s own id, by which it counts once; 0: none'],
  ],
  'name, target, user, id',
);

export const RANKING_LAYOUTS = [SIGNALS_BODY, SIGNAL_DRAFT] as const;
