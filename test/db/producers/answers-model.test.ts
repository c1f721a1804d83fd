/**
 * One producer and the port, both ways, as a model of single atomic accesses in the code's order: appends that find no room
 * and wait in line, answers that come in any order, a thread that appends while the part of it that takes answers sleeps.
 * See db/producers/producer.ts, served-producer.ts and bell.ts.
 */
import { expect, test } from 'vitest';
import { exploreInterleavings } from '../support/interleavings.ts';

const ITEMS = 3;
/** Requests that fit into the ring, and that may be under way. */
const SLOTS = 1;
const UNDER_WAY_MAX = 2;

const AWAKE = 0;
const FOR_WORK = 1;
const FOR_WORK_OR_ROOM = 2;

interface State {
  readonly requests: { readonly published: number; readonly released: number };
  readonly answers: { readonly published: number; readonly released: number };
  readonly portBell: { readonly signal: number; readonly waiting: number };
  readonly bell: { readonly signal: number; readonly waiting: number };
  readonly producer: {
    /** What the thread does now; `free` is a point at which it awaits. */
    readonly at: string;
    /** Where the loop that takes answers awaits, while the thread is free. */
    readonly loop: 'off' | 'asleep' | 'woken' | 'turn';
    readonly appended: number;
    readonly given: number;
    readonly line: number;
    readonly underWay: number;
    readonly answered: number;
    readonly seen: number;
    readonly moved: boolean;
    /** Where giving a request leads back to. */
    readonly back: string;
  };
  readonly port: {
    readonly at: string;
    readonly loop: 'asleep' | 'woken' | 'turn';
    readonly taken: number;
    readonly answered: number;
    readonly seen: number;
    readonly moved: boolean;
  };
}

const START: State = {
  requests: { published: 0, released: 0 },
  answers: { published: 0, released: 0 },
  portBell: { signal: 0, waiting: AWAKE },
  bell: { signal: 0, waiting: AWAKE },
  producer: {
    ...{ at: 'free', loop: 'off', appended: 0, given: 0, line: 0, underWay: 0, answered: 0, seen: 0 },
    ...{ moved: false, back: '' },
  },
  port: { at: 'free', loop: 'turn', taken: 0, answered: 0, seen: 0, moved: false },
};

type Steps = Readonly<Record<string, (state: State) => readonly Partial<State>[]>>;

const hasRoom = ({ producer, requests }: State): boolean =>
  producer.underWay < UNDER_WAY_MAX && producer.given - requests.released < SLOTS;

/** A step of the producer's thread, or of the port's, that goes to `at`. */
const producerTo = ({ producer }: State, at: string, more: Partial<State['producer']> = {}) => ({
  producer: { ...producer, ...more, at },
});
const portTo = ({ port }: State, at: string, more: Partial<State['port']> = {}) => ({
  port: { ...port, ...more, at },
});
const portWoken = ({ port }: State): State['port'] =>
  port.loop === 'asleep' ? { ...port, loop: 'woken' } : port;
const producerWoken = ({ producer }: State): State['producer'] =>
  producer.loop === 'asleep' ? { ...producer, loop: 'woken' } : producer;

const PRODUCER_STEPS = {
  free: (state) => {
    const { appended, loop } = state.producer;
    return [
      ...(appended < ITEMS ? [producerTo(state, 'append', { appended: appended + 1 })] : []),
      ...(loop === 'turn' ? [producerTo(state, 'read signal')] : []),
      ...(loop === 'woken' ? [producerTo(state, 'clear waiting')] : []),
    ];
  },
  append: (state) => {
    const { line } = state.producer;
    if (line === 0 && hasRoom(state)) return [producerTo(state, 'publish', { back: 'appended' })];
    return [producerTo(state, line === 0 ? 'ring itself' : 'appended', { line: line + 1 })];
  },
  appended: (state) => [producerTo(state, state.producer.loop === 'off' ? 'read signal' : 'free')],

  publish: (state) => [
    {
      requests: { ...state.requests, published: state.producer.given + 1 },
      ...producerTo(state, 'ring', {
        given: state.producer.given + 1,
        underWay: state.producer.underWay + 1,
      }),
    },
  ],
  ring: (state) => [
    { portBell: { ...state.portBell, signal: state.portBell.signal + 1 }, ...producerTo(state, 'waiting?') },
  ],
  'waiting?': (state) => [
    producerTo(state, state.portBell.waiting !== AWAKE ? 'notify' : state.producer.back),
  ],
  notify: (state) => [{ port: portWoken(state), ...producerTo(state, state.producer.back) }],

  'ring itself': (state) => [
    { bell: { ...state.bell, signal: state.bell.signal + 1 }, ...producerTo(state, 'itself waiting?') },
  ],
  'itself waiting?': (state) => [
    producerTo(state, state.bell.waiting !== AWAKE ? 'notify itself' : 'appended'),
  ],
  'notify itself': (state) => [{ producer: { ...producerWoken(state), at: 'appended' } }],

  'clear waiting': (state) => [
    { bell: { ...state.bell, waiting: AWAKE }, ...producerTo(state, 'read signal') },
  ],
  'read signal': (state) => [producerTo(state, 'take answers', { seen: state.bell.signal, moved: false })],
  'take answers': (state) => {
    const count = state.answers.published - state.answers.released;
    if (count === 0) return [producerTo(state, 'give waiting')];
    return [
      producerTo(state, 'release answers', {
        answered: state.producer.answered + count,
        underWay: state.producer.underWay - count,
        moved: true,
      }),
    ];
  },
  'release answers': (state) => [
    {
      answers: { ...state.answers, released: state.producer.answered },
      ...producerTo(state, 'give waiting'),
    },
  ],
  'give waiting': (state) => {
    const { line } = state.producer;
    if (line === 0 || !hasRoom(state)) return [producerTo(state, 'owed?')];
    return [producerTo(state, 'publish', { back: 'give waiting', line: line - 1, moved: true })];
  },
  'owed?': (state) => {
    const { line, underWay, moved } = state.producer;
    if (line + underWay === 0) return [producerTo(state, 'free', { loop: 'off' })];
    return [moved ? producerTo(state, 'free', { loop: 'turn' }) : producerTo(state, 'set waiting')];
  },
  'set waiting': (state) => {
    const waiting = state.producer.line > 0 ? FOR_WORK_OR_ROOM : FOR_WORK;
    return [{ bell: { ...state.bell, waiting }, ...producerTo(state, 'sleep') }];
  },
  sleep: (state) => {
    if (state.bell.signal === state.producer.seen) return [producerTo(state, 'free', { loop: 'asleep' })];
    return [producerTo(state, 'not asleep')];
  },
  'not asleep': (state) => [
    { bell: { ...state.bell, waiting: AWAKE }, ...producerTo(state, 'free', { loop: 'turn' }) },
  ],
} satisfies Steps;

const PORT_STEPS = {
  free: (state) => {
    const { loop, taken, answered } = state.port;
    return [
      // Whenever the disk has done its part.
      ...(answered < taken ? [portTo(state, 'publish answer')] : []),
      ...(loop === 'turn' ? [portTo(state, 'read signal')] : []),
      ...(loop === 'woken' ? [portTo(state, 'clear waiting')] : []),
    ];
  },
  'publish answer': (state) => [
    {
      answers: { ...state.answers, published: state.port.answered + 1 },
      ...portTo(state, 'ring', { answered: state.port.answered + 1 }),
    },
  ],
  ring: (state) => [{ bell: { ...state.bell, signal: state.bell.signal + 1 }, ...portTo(state, 'waiting?') }],
  'waiting?': (state) => [portTo(state, state.bell.waiting !== AWAKE ? 'notify' : 'free')],
  notify: (state) => [{ producer: producerWoken(state), ...portTo(state, 'free') }],

  'clear waiting': (state) => [
    { portBell: { ...state.portBell, waiting: AWAKE }, ...portTo(state, 'read signal') },
  ],
  'read signal': (state) => [portTo(state, 'take', { seen: state.portBell.signal })],
  take: (state) => {
    const { taken } = state.port;
    if (state.requests.published === taken) return [portTo(state, 'set waiting')];
    return [portTo(state, 'release', { taken: taken + 1 })];
  },
  release: (state) => [
    { requests: { ...state.requests, released: state.port.taken }, ...portTo(state, 'ring for room') },
  ],
  'ring for room': (state) => [
    { bell: { ...state.bell, signal: state.bell.signal + 1 }, ...portTo(state, 'waits for room?') },
  ],
  'waits for room?': (state) => [
    state.bell.waiting === FOR_WORK_OR_ROOM
      ? portTo(state, 'notify of room')
      : portTo(state, 'free', { loop: 'turn' }),
  ],
  'notify of room': (state) => [
    { producer: producerWoken(state), ...portTo(state, 'free', { loop: 'turn' }) },
  ],
  'set waiting': (state) => [
    { portBell: { ...state.portBell, waiting: FOR_WORK }, ...portTo(state, 'sleep') },
  ],
  sleep: (state) => {
    if (state.portBell.signal === state.port.seen) return [portTo(state, 'free', { loop: 'asleep' })];
    return [portTo(state, 'clear waiting')];
  },
} satisfies Steps;

interface Wanted {
  /** Whether the port answers at all: without answers only room may wake a producer that waits in line. */
  readonly answers: boolean;
}

function explore(producerSteps: Steps, portSteps: Steps, { answers }: Wanted = { answers: true }) {
  const silent: Steps = {
    ...portSteps,
    free: (state) => (portSteps['free']?.(state) ?? []).filter(({ port }) => port?.at !== 'publish answer'),
  };
  const stepsOfPort = answers ? portSteps : silent;
  const after = (state: State, changes: readonly Partial<State>[] = []): State[] =>
    changes.map((change) => ({ ...state, ...change }));
  return exploreInterleavings<State>({
    start: START,
    threads: [
      (state) => after(state, producerSteps[state.producer.at]?.(state)),
      (state) => after(state, stepsOfPort[state.port.at]?.(state)),
    ],
    wrong: ({ producer, port, requests, answers: { published, released } }) =>
      published - released > UNDER_WAY_MAX ||
      requests.published - requests.released > SLOTS ||
      producer.answered > port.answered ||
      port.answered > port.taken,
    ended: ({ producer, port }) => {
      const rests = producer.at === 'free' && port.at === 'free' && port.loop === 'asleep';
      if (answers) return rests && producer.loop === 'off' && producer.answered === ITEMS;
      // As much as may be under way has been given and taken, the rest waits for answers.
      return rests && producer.appended === ITEMS && port.taken === UNDER_WAY_MAX;
    },
  });
}

test('in every interleaving all appends are given, taken and answered once, and nobody sleeps for ever', () => {
  const { states, stuck, wrong } = explore(PRODUCER_STEPS, PORT_STEPS);
  expect(states).toBeGreaterThan(5000);
  expect(wrong).toEqual([]);
  expect(stuck).toEqual([]);
});

test('a producer that waits in line is told of room, not only of answers', () => {
  expect(explore(PRODUCER_STEPS, PORT_STEPS, { answers: false }).stuck).toEqual([]);
});

test('the model notices a port that forgets to tell of room', () => {
  const careless: Steps = {
    ...PORT_STEPS,
    release: (state) => [
      {
        requests: { ...state.requests, released: state.port.taken },
        ...portTo(state, 'free', { loop: 'turn' }),
      },
    ],
  };
  expect(explore(PRODUCER_STEPS, careless, { answers: false }).stuck).not.toEqual([]);
});

test('the model notices a port that tells of room before there is any', () => {
  const careless: Steps = {
    ...PORT_STEPS,
    take: (state) => {
      const next = PORT_STEPS.take(state);
      return next.map((change) =>
        change.port.at === 'release' ? { port: { ...change.port, at: 'ring for room' } } : change,
      );
    },
    'waits for room?': (state) => [
      portTo(state, state.bell.waiting === FOR_WORK_OR_ROOM ? 'notify of room' : 'release'),
    ],
    'notify of room': (state) => [{ producer: producerWoken(state), ...portTo(state, 'release') }],
    release: (state) => [
      {
        requests: { ...state.requests, released: state.port.taken },
        ...portTo(state, 'free', { loop: 'turn' }),
      },
    ],
  };
  expect(explore(PRODUCER_STEPS, careless, { answers: false }).stuck).not.toEqual([]);
});

test('the model notices a producer that joins the line while it sleeps for answers alone', () => {
  const careless: Steps = {
    ...PRODUCER_STEPS,
    append: (state) =>
      PRODUCER_STEPS.append(state).map((change) => ({
        producer: {
          ...change.producer,
          at: change.producer.at === 'ring itself' ? 'appended' : change.producer.at,
        },
      })),
  };
  expect(explore(careless, PORT_STEPS, { answers: false }).stuck).not.toEqual([]);
});

test('the model notices a producer that takes answers before it reads the signal', () => {
  const careless: Steps = {
    ...PRODUCER_STEPS,
    'read signal': (state) => [producerTo(state, 'take answers', { moved: false })],
    'set waiting': (state) =>
      PRODUCER_STEPS['set waiting'](state).map((change) => ({
        ...change,
        producer: { ...change.producer, seen: state.bell.signal },
      })),
  };
  expect(explore(careless, PORT_STEPS).stuck).not.toEqual([]);
});

test('the model notices an answer that is announced before it is published', () => {
  const careless: Steps = {
    ...PORT_STEPS,
    free: (state) =>
      PORT_STEPS.free(state).map((change) =>
        change.port.at === 'publish answer' ? { port: { ...change.port, at: 'ring' } } : change,
      ),
    'waiting?': (state) => [portTo(state, state.bell.waiting !== AWAKE ? 'notify' : 'publish answer')],
    notify: (state) => [{ producer: producerWoken(state), ...portTo(state, 'publish answer') }],
    'publish answer': (state) =>
      PORT_STEPS['publish answer'](state).map((change) => ({
        ...change,
        port: { ...change.port, at: 'free' },
      })),
  };
  expect(explore(PRODUCER_STEPS, careless).stuck).not.toEqual([]);
});

test('the model notices a producer that asks for more than can be answered', () => {
  const careless: Steps = {
    ...PRODUCER_STEPS,
    append: (state) => {
      const room = state.producer.given - state.requests.released < SLOTS;
      if (state.producer.line === 0 && room) return [producerTo(state, 'publish', { back: 'appended' })];
      return PRODUCER_STEPS.append(state);
    },
  };
  expect(explore(careless, PORT_STEPS).wrong).not.toEqual([]);
});
