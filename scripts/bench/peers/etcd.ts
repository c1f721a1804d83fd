/** etcd, one member: a Put of a new key for each event, a Txn of Puts for a batch, over gRPC. */
import { mkdirSync } from 'node:fs';
import { GrpcDialect } from './grpc-dialect.ts';
import { type Peer, payload, type Shape } from './peer.ts';
import { freePort, listens, missingProgram, startProcess, untilReady, versionLine } from './processes.ts';
import { WireLoad } from './wire-load.ts';

const SERVER = '/usr/bin/etcd';
const KEY_DIGITS = 12;

export const ETCD = 'etcd';

export const etcd: Peer = {
  name: ETCD,
  setting: 'as shipped: fdatasync of the log before each acknowledgement; one member',
  durable: true,
  checksums: 'rolling CRC-32C in the log',
  load: 'own client, gRPC',
  absent: () => missingProgram(SERVER, 'etcd-server'),
  version: () => versionLine(SERVER, ['--version']),
  entrants: (shape) => [{ name: ETCD, open: (directory) => openEtcd(directory, shape) }],
};

async function openEtcd(directory: string, shape: Shape) {
  mkdirSync(directory, { mode: 0o700 });
  const port = await freePort();
  const client = `http://127.0.0.1:${port}`;
  const member = `http://127.0.0.1:${await freePort()}`;
  const server = startProcess(SERVER, [
    ...['--name', 'bench', '--data-dir', directory, '--logger', 'zap', '--log-level', 'error'],
    ...['--listen-client-urls', client, '--advertise-client-urls', client],
    ...['--listen-peer-urls', member, '--initial-advertise-peer-urls', member],
    ...['--initial-cluster', `bench=${member}`],
    ...['--max-txn-ops', String(Math.max(128, shape.batch)), '--quota-backend-bytes', String(2 ** 33)],
  ]);
  await untilReady(server, 'etcd', () => listens(port));
  const method = shape.batch > 1 ? 'Txn' : 'Put';
  const load = await WireLoad.open(
    port,
    shape.clients,
    () => new GrpcDialect(`/etcdserverpb.KV/${method}`, messages(shape)),
  );
  return {
    run: async (seconds: number) => (await load.run(seconds, shape.inFlight)) * shape.batch,
    close: async () => {
      load.close();
      await server.stop();
    },
  };
}

let keys = 0;

/** Makes the protobuf of one request after the other: a template in which the keys are counted on. */
function messages({ batch, bytes }: Shape): () => Buffer {
  const put = Buffer.concat([
    field(1, Buffer.from('log/'.padEnd(4 + KEY_DIGITS, '0'))),
    field(2, payload(bytes)),
  ]);
  // TxnRequest.success (2) is a list of RequestOp whose request_put is 2 as well.
  const operation = field(2, field(2, put));
  const template = batch === 1 ? put : Buffer.concat(Array.from({ length: batch }, () => operation));
  const stride = batch === 1 ? 0 : operation.length;
  const firstDigit = template.indexOf('log/') + 4;
  return () => {
    const message = Buffer.from(template);
    for (let index = 0; index < batch; index++) {
      const digits = String(++keys).padStart(KEY_DIGITS, '0');
      message.write(digits, firstDigit + index * stride, 'latin1');
    }
    return message;
  };
}

/** A length-delimited protobuf field. */
function field(number: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2]), variableInteger(body.length), body]);
}

function variableInteger(value: number): Buffer {
  const out: number[] = [];
  let left = value;
  for (; left > 0x7f; left >>>= 7) out.push((left & 0x7f) | 0x80);
  out.push(left);
  return Buffer.from(out);
}
