/** An interface for tests: attaches to the engine, keeps the last view, waits for pages. */

import { connect, type Socket } from 'node:net';
import { formatMessage, lineSplitter, parseReply, type Reply } from '../../../installer/protocol.ts';
import type { Message } from '../../../installer/screens/connection.ts';
import type { PageId, View } from '../../../installer/session/view.ts';

const WAIT_MS = 60_000;

export interface TestClient {
  readonly replies: readonly Reply[];
  readonly view: View;
  readonly youDrive: boolean;
  send(message: Message): void;
  sendRaw(text: string): void;
  /** Chooses an action of the present page. */
  act(action: string, values?: Record<string, string>, choice?: string): void;
  page(page: PageId): Promise<View>;
  refused(): Promise<{ readonly code: string; readonly text: string }>;
  until<T>(what: string, find: () => T | undefined): Promise<T>;
  close(): void;
}

export async function attach(socketPath: string, console = 'test'): Promise<TestClient> {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const candidate = connect(socketPath, () => resolve(candidate));
    candidate.once('error', reject);
  });
  socket.setEncoding('utf8');
  const replies: Reply[] = [];
  const waiters = new Set<() => void>();
  let view: View | undefined;
  let youDrive = false;
  let refusals: { readonly code: string; readonly text: string }[] = [];
  const feed = lineSplitter((line) => {
    const reply = parseReply(line);
    replies.push(reply);
    if (reply.type === 'view') {
      view = reply.view;
      youDrive = reply.youDrive;
    }
    if (reply.type === 'refused') refusals.push(reply);
    for (const wake of waiters) wake();
  });
  socket.on('data', (chunk: string) => feed(chunk));
  socket.write(formatMessage({ type: 'hello', console }));

  const until = <T>(what: string, find: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiters.delete(check);
        reject(new Error(`no ${what} within ${WAIT_MS} ms; the page is ${JSON.stringify(view)}`));
      }, WAIT_MS);
      const check = () => {
        const found = find();
        if (found === undefined) return;
        clearTimeout(timer);
        waiters.delete(check);
        resolve(found);
      };
      waiters.add(check);
      check();
    });
  const send = (message: Message) => socket.write(formatMessage(message));
  const client: TestClient = {
    replies,
    get view() {
      if (view === undefined) throw new Error('no view yet');
      return view;
    },
    get youDrive() {
      return youDrive;
    },
    send,
    sendRaw: (text) => socket.write(text),
    act: (action, values = {}, choice = '') =>
      send({ type: 'act', page: client.view.page, action, choice, values }),
    page: (page) => until(`page ${page}`, () => (view?.page === page ? view : undefined)),
    refused: async () => {
      const refusal = await until('refusal', () => refusals[0]);
      refusals = refusals.slice(1);
      return refusal;
    },
    until,
    close: () => socket.destroy(),
  };
  await until('view', () => view);
  return client;
}
