/** `truthdb reducer …`: projections that somebody wrote as WebAssembly. */
import { readFile } from 'node:fs/promises';
import { TruthError } from '../errors.ts';
import type { ReducerStatus } from '../reducers/index.ts';
import { askServer } from './administer.ts';
import { type Arguments, type Command, misused, type Option, type Terminal } from './command.ts';
import { TARGET_OPTIONS } from './target.ts';

const TENANT: Option = { flag: 'tenant', value: 'NAME', help: 'of another tenant; for operators' };
const OPTIONS = [TENANT, ...TARGET_OPTIONS];
const NAME = { name: 'NAME', required: true } as const;

export const reducerDeploy: Command = {
  name: 'reducer deploy',
  summary: 'Deploys a WebAssembly module as a reducer, or as the next version of one.',
  detail:
    'It takes in everything recorded so far in the background, and answers from then on; a version that it replaces answers ' +
    'meanwhile. What a module may be: docs/reducers.md.',
  positionals: [{ name: 'FILE', required: true }],
  options: [
    { flag: 'name', value: 'NAME', help: 'what queries call it' },
    { flag: 'over-table', value: 'TABLE', help: 'hand it the changes of this table’s rows' },
    {
      flag: 'over-streams',
      value: 'PREFIX',
      help: 'hand it the events of streams whose names begin with this',
    },
    ...OPTIONS,
  ],
  example: 'truthdb reducer deploy spending.wasm --name spending --over-table orders',
  run: async (args, terminal) => {
    const name = args.text('name');
    if (name === undefined) throw misused(reducerDeploy, '--name is missing');
    const [table, prefix] = [args.text('over-table'), args.text('over-streams')];
    if ((table === undefined) === (prefix === undefined))
      throw misused(reducerDeploy, 'one of --over-table and --over-streams is needed');
    const file = await fileBytes(args.positional(0)!);
    const { reducer } = await askServer(args, terminal, {
      ...{ command: 'reducer-deploy', name, tenant: tenantOf(args), file: file.toString('base64') },
      ...(table === undefined ? { over: 'streams', source: prefix } : { over: 'table', source: table }),
    });
    return show(terminal, reducer as ReducerStatus);
  },
};

export const reducerList: Command = {
  name: 'reducer list',
  summary: 'Lists the reducers, what each follows and how far it is.',
  detail: '',
  positionals: [],
  options: OPTIONS,
  example: 'truthdb reducer list',
  run: async (args, terminal) => {
    for (const reducer of await listed(args, terminal)) await show(terminal, reducer);
    return 0;
  },
};

export const reducerStatus: Command = {
  name: 'reducer status',
  summary: 'Shows one reducer, with the last lines it wrote.',
  detail: 'Exits with 4 when there is no such reducer.',
  positionals: [NAME],
  options: OPTIONS,
  example: 'truthdb reducer status spending',
  run: async (args, terminal) => {
    const name = args.positional(0);
    const reducer = (await listed(args, terminal)).find((each) => each.name === name);
    if (reducer === undefined) throw new TruthError('NOT_FOUND', `reducer "${name}" does not exist`);
    await show(terminal, reducer);
    if (!terminal.json) for (const line of reducer.log) await terminal.out(`  ${line}`);
    return 0;
  },
};

export const reducerDrop: Command = {
  name: 'reducer drop',
  summary: 'Drops a reducer; queries AS OF earlier positions still see its rows.',
  detail: '',
  positionals: [NAME],
  options: OPTIONS,
  example: 'truthdb reducer drop spending',
  run: async (args, terminal) => {
    const command = { command: 'reducer-drop', tenant: tenantOf(args), name: args.positional(0) };
    const { dropped } = await askServer(args, terminal, command);
    await terminal.out(terminal.json ? JSON.stringify({ dropped }) : `dropped ${dropped}`);
    return 0;
  },
};

async function listed(args: Arguments, terminal: Terminal): Promise<readonly ReducerStatus[]> {
  const { reducers } = await askServer(args, terminal, { command: 'reducer-list', tenant: tenantOf(args) });
  return reducers as ReducerStatus[];
}

function tenantOf(args: Arguments): string | null {
  return args.text('tenant') ?? null;
}

async function show(terminal: Terminal, reducer: ReducerStatus): Promise<number> {
  await terminal.out(terminal.json ? JSON.stringify(reducer) : lineOf(reducer));
  return 0;
}

function lineOf({ name, state, over, version, rows, coming, failure }: ReducerStatus): string {
  const parts = [`${name}: ${state}`, over === '' ? 'over nothing any more' : `over ${over}`];
  if (version !== null) parts.push(`version ${version}, ${rows} rows`);
  if (coming !== null)
    parts.push(`version ${coming.version} takes in the past (${coming.position} of ${coming.until})`);
  if (failure !== null) parts.push(`version ${failure.version} failed: ${failure.reason}`);
  return parts.join(' · ');
}

async function fileBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new TruthError('INVALID_ARGUMENT', `${path} cannot be read: ${String(error)}`);
  }
}
