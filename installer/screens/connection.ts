/** An interface's end of the socket: attaches, re-attaches when the engine starts again, hands views over. */

import { connect, type Socket } from 'node:net';
import { formatMessage, lineSplitter, parseReply, type Reply, type Request } from '../protocol.ts';

const RETRY_MS = 1000;

type Unversioned<T> = T extends unknown ? Omit<T, 'v'> : never;
export type Message = Unversioned<Request>;

export interface ConnectionOptions {
  readonly socketPath: string;
  /** Name the others see this interface by, like ttyS0. */
  readonly console: string;
  readonly onReply: (reply: Reply) => void;
  /** The engine is not there, or went away. */
  readonly onLost: () => void;
}

export interface Connection {
  send(message: Message): void;
  close(): void;
}

export function openConnection(options: ConnectionOptions): Connection {
  let socket: Socket | undefined;
  let closed = false;
  let retry: NodeJS.Timeout | undefined;
  const attach = () => {
    const current = connect(options.socketPath);
    socket = current;
    current.setEncoding('utf8');
    current.on('connect', () => current.write(formatMessage({ type: 'hello', console: options.console })));
    const feed = lineSplitter((line) => options.onReply(parseReply(line)));
    current.on('data', (chunk: string) => feed(chunk));
    current.on('error', () => undefined); // 'close' follows.
    current.on('close', () => {
      if (closed) return;
      options.onLost();
      retry = setTimeout(attach, RETRY_MS);
    });
  };
  attach();
  return {
    send: (message) => {
      if (socket?.writable === true) socket.write(formatMessage(message));
    },
    close: () => {
      closed = true;
      clearTimeout(retry);
      socket?.destroy();
    },
  };
}
