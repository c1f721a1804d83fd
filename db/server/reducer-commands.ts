/** Reducers, over a connection. */
import { z } from 'zod';
import type { Engine } from '../engine.ts';
import type { TenantId } from '../types.ts';
import { allow } from './permissions.ts';
import type { Principal } from './session-host.ts';

const name = z.string().min(1);
/** A name; null: the tenant of whoever asks. */
const tenant = z.string().min(1).nullable().default(null);

export const REDUCER_COMMANDS = [
  z.strictObject({
    command: z.literal('reducer-deploy'),
    tenant,
    name,
    /** A WebAssembly module. */
    file: z.base64(),
    over: z.enum(['streams', 'table']),
    /** The beginning of streams' names, or the table's name. */
    source: z.string(),
  }),
  z.strictObject({ command: z.literal('reducer-list'), tenant }),
  z.strictObject({ command: z.literal('reducer-drop'), tenant, name }),
] as const;

export type ReducerCommand = z.infer<(typeof REDUCER_COMMANDS)[number]>;

/** Errors: FORBIDDEN. */
export function allowReducerCommand(
  principal: Principal,
  { command, tenant: elsewhere }: ReducerCommand,
): void {
  if (elsewhere !== null) allow(principal, 'administer');
  else allow(principal, command === 'reducer-list' ? 'read' : 'define');
}

/** Errors: those of the command. The right was checked. */
export async function administerReducers(
  { reducers, tenants }: Pick<Engine, 'reducers' | 'tenants'>,
  principal: Principal,
  command: ReducerCommand,
): Promise<object> {
  const id: TenantId = command.tenant === null ? principal.tenant : tenants.named(command.tenant).id;
  switch (command.command) {
    case 'reducer-list':
      return { reducers: reducers.list(id) };
    case 'reducer-drop':
      await reducers.drop(id, principal.name, command.name);
      return { dropped: command.name };
    case 'reducer-deploy': {
      const { over, source: named, name: reducer } = command;
      const source =
        over === 'table' ? ({ over, table: named } as const) : ({ over, prefix: named } as const);
      const file = new Uint8Array(Buffer.from(command.file, 'base64'));
      const { position } = await reducers.deploy({
        ...{ tenant: id, actor: principal.name, name: reducer, file, source },
      });
      return { position, reducer: reducers.status(id, reducer) };
    }
  }
}
