/** Proofs over HTTP: the newest signed checkpoint, and that one entry lies under it. */
import {
  bundlePieces,
  checkpointText,
  decodeCheckpoint,
  momentText,
  type ProofCommand,
  proofFromJson,
  sequencesIn,
  unbase64,
} from '../../engine.ts';
import { TruthError } from '../../errors.ts';
import { TENANT_DEFAULT } from '../../types.ts';
import { askForProof } from '../proof-requests.ts';
import type { Principal } from '../session-host.ts';
import { type Parameter, type Route, type RouteRequest, sendJson } from './route.ts';

const BYTES = { type: 'string', contentEncoding: 'base64' };
const CERTIFICATES = { type: 'array', items: BYTES, description: 'Of the keys that sign, serial 1 first' };

const CHECKPOINT = {
  type: 'object',
  required: ['size', 'recordedAt', 'root', 'erased', 'bytes', 'certificates', 'text'],
  properties: {
    logId: { type: 'string' },
    size: { type: 'integer', description: 'Last position that it covers' },
    epoch: { type: 'integer' },
    recordedAt: { type: 'string', format: 'date-time', description: 'Of its commit, with nanoseconds' },
    root: { type: 'string', description: 'Root of the tree over all entries, hex' },
    tenantsRoot: { type: 'string', description: 'Hex' },
    erased: { type: 'integer', description: 'Erasures up to there' },
    erasures: { type: 'string', description: 'Root of the tree over them, hex' },
    keyId: { type: 'string', description: 'Of the key that signed, hex' },
    bytes: { ...BYTES, description: 'As docs/proofs.md has it' },
    certificates: CERTIFICATES,
    text: { type: 'string', description: 'What `truthdb checkpoint show` prints: keep it' },
  },
};

const INCLUSION = {
  type: 'object',
  required: ['position', 'signed', 'path', 'checkpoint', 'certificates', 'bundle'],
  properties: {
    position: { type: 'integer' },
    kind: {
      enum: ['entries', 'tenant'],
      description: 'Shown in the tree over all entries, or in that of the token’s tenant',
    },
    signed: { type: 'integer', description: 'Size of the checkpoint' },
    path: { type: 'array', items: BYTES, description: 'Hashes from the leaf to the root' },
    checkpoint: BYTES,
    certificates: CERTIFICATES,
    bundle: { ...BYTES, description: 'All of it in one file, for `truthdb verify FILE --public-key KEY`' },
  },
};

const POSITION: Parameter = {
  name: 'position',
  in: 'path',
  description: 'Position of the entry in the log',
  schema: { type: 'integer', minimum: 1 },
  required: true,
};

const PAYLOAD: Parameter = {
  name: 'payload',
  in: 'query',
  description: 'Whether to show what the entry holds, to a token that may read it; else its hash',
  schema: { type: 'string', enum: ['true', 'false'], default: 'false' },
  required: false,
};

export const PROOF_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/proofs/checkpoint',
    operationId: 'checkpoint',
    summary: 'The newest signed checkpoint',
    right: 'token',
    parameters: [],
    body: null,
    answer: { contentType: 'application/json', description: 'The checkpoint', schema: CHECKPOINT },
    errors: [404],
    handle: async (request) => {
      const answer = (await ask(request, { command: 'checkpoint-latest' })) as Signed;
      const [checkpoint, certificates] = [unbase64(answer.checkpoint), answer.certificates.map(unbase64)];
      const { hash: _, recordedAt, ...fields } = decodeCheckpoint(checkpoint);
      send(request, {
        ...fields,
        recordedAt: momentText(recordedAt),
        bytes: answer.checkpoint,
        certificates: answer.certificates,
        text: checkpointText({ checkpoint, certificates }),
      });
    },
  },
  {
    method: 'GET',
    path: '/v1/proofs/{position}',
    operationId: 'inclusion',
    summary: 'Proof that an entry is in the log as it was signed',
    right: 'verify',
    parameters: [POSITION, PAYLOAD],
    body: null,
    answer: { contentType: 'application/json', description: 'The proof', schema: INCLUSION },
    errors: [404, 410],
    handle: proveEntry,
  },
];

interface Signed {
  readonly checkpoint: string;
  readonly certificates: readonly string[];
}

interface Records {
  readonly records: string;
  readonly next: number;
}

/** For the first tenant in the tree over all entries; for another in its own, which shows nothing of others. */
async function proveEntry(request: RouteRequest): Promise<void> {
  const at = positionIn(request.path['position'] ?? '');
  const payloads = payloadWanted(request.query.get('payload') ?? 'false');
  const { tenant } = request.principal as Principal;
  const kind = tenant === TENANT_DEFAULT ? 'entries' : 'tenant';
  const range = { kind, tenant, from: at, to: at, since: null } as const;
  const answer = (await ask(request, { command: 'proof-range', ...range })) as Record<string, unknown>;
  const proof = proofFromJson(answer);
  const records: Uint8Array[] = [];
  for (let next = 0; next < proof.leaves; ) {
    const { firstLeaf, leaves } = proof;
    const wanted = { kind, tenant, from: at, to: at, firstLeaf, leaves, at: next, payloads } as const;
    const got = (await ask(request, { command: 'proof-entries', ...wanted })) as Records;
    records.push(unbase64(got.records));
    next = got.next;
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of bundlePieces(proof, records)) pieces.push(piece);
  if (kind === 'tenant' && !sequencesIn(Buffer.concat(records)).includes(at)) {
    throw new TruthError('NOT_FOUND', `the entry at ${at} is none of tenant ${tenant}’s`, { position: at });
  }
  send(request, {
    position: at,
    kind,
    signed: decodeCheckpoint(proof.checkpoint).size,
    path: answer['rangePath'],
    checkpoint: answer['checkpoint'],
    certificates: answer['certificates'],
    bundle: Buffer.concat(pieces).toString('base64'),
  });
}

function ask({ database, principal }: RouteRequest, command: ProofCommand): Promise<object> {
  return askForProof(database.engine.proofs, database.audit, principal as Principal, command);
}

function send({ response }: RouteRequest, answer: object): void {
  sendJson(response, 200, JSON.stringify(answer));
}

function positionIn(text: string): number {
  if (/^[1-9]\d{0,15}$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new TruthError(
    'INVALID_ARGUMENT',
    `"${text}" is no position: a whole number from 1 on is needed, or "checkpoint"`,
  );
}

function payloadWanted(text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw new TruthError('INVALID_ARGUMENT', `payload is "${text}"; true or false is needed`);
}
