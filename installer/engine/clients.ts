/** The interfaces attached to the engine: their sockets, which of them drives, and what each is told. */

import { createServer, type Server, type Socket } from 'node:net';
import { asInstallError, InstallError } from '../errors.ts';
import { formatMessage, lineSplitter, parseRequest, type Reply, type Request } from '../protocol.ts';

/** A console that does not read is cut off before it fills the memory. */
const UNSENT_BYTES_MAX = 4 * 1024 * 1024;

export interface Client {
  readonly console: string;
}

export interface ClientsOptions {
  /** @throws InstallError to have the request refused. */
  readonly onRequest: (client: Client, request: Exclude<Request, { type: 'hello' }>) => void;
  readonly onAttach: (client: Client) => void;
  readonly onDetach: (client: Client) => void;
}

interface Attached extends Client {
  console: string;
  readonly socket: Socket;
  greeted: boolean;
}

type Message = Parameters<typeof formatMessage>[0] & { readonly type: Reply['type'] };

export interface Clients {
  readonly server: Server;
  send(client: Client, message: Message): void;
  /** @param message Made for each client: not all may see the same. */
  broadcast(message: (client: Client) => Message): void;
  close(): Promise<void>;
}

export function createClients(options: ClientsOptions): Clients {
  const attached = new Set<Attached>();
  const send = (client: Client, message: Message) => {
    const { socket } = client as Attached;
    if (socket.destroyed) return;
    socket.write(formatMessage(message));
    if (socket.writableLength > UNSENT_BYTES_MAX) socket.destroy();
  };
  const server = createServer((socket) => {
    const client: Attached = { console: '', socket, greeted: false };
    attached.add(client);
    socket.setEncoding('utf8');
    const feed = lineSplitter((line) => receive(client, line, options, send));
    socket.on('data', (chunk: string) => {
      try {
        feed(chunk);
      } catch (error) {
        refuse(client, error, send);
        socket.destroySoon();
      }
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      attached.delete(client);
      if (client.greeted) options.onDetach(client);
    });
  });
  return {
    server,
    send,
    broadcast: (message) => {
      for (const client of attached) if (client.greeted) send(client, message(client));
    },
    close: async () => {
      for (const { socket } of attached) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

type Send = (client: Client, message: Message) => void;

function receive(client: Attached, line: string, options: ClientsOptions, send: Send): void {
  try {
    const request = parseRequest(line);
    if (request.type === 'hello') {
      client.console = request.console;
      client.greeted = true;
      options.onAttach(client);
    } else if (client.greeted) {
      options.onRequest(client, request);
    } else {
      throw new InstallError('BAD_MESSAGE', `${request.type} before hello`);
    }
  } catch (error) {
    refuse(client, error, send);
  }
}

function refuse(client: Attached, thrown: unknown, send: Send): void {
  const { code, message } = asInstallError(thrown);
  send(client, { type: 'refused', code, text: message });
}
