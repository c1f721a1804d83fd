/** Who may ask which proofs, and asking for them: signing is an act and showing what entries hold is a read, and both are told. */
import type { EngineProofs, ProofCommand } from '../engine.ts';
import { TruthError } from '../errors.ts';
import { TENANT_DEFAULT } from '../types.ts';
import type { AuditTrail } from './audit-trail.ts';
import { allow, may } from './permissions.ts';
import type { Principal } from './session-host.ts';

/** Errors: FORBIDDEN, VIEW_UNAVAILABLE where no proofs are kept, those of the command. */
export function askForProof(
  proofs: EngineProofs | null,
  audit: Pick<AuditTrail, 'act' | 'read'>,
  principal: Principal,
  command: ProofCommand,
): Promise<object> {
  allowProof(principal, command);
  if (proofs === null) throw noProofs();
  if (command.command === 'checkpoint-create')
    return audit.act(principal, command.command, () => proofs.ask(command));
  if (command.command !== 'proof-entries') return proofs.ask(command);
  // Who may verify and not read gets the same proof with hashes in place of what the entries hold.
  const payloads = command.payloads && may(principal, isOwn(principal, command) ? 'read' : 'copy');
  if (payloads && command.at === 0) {
    const whose = command.kind === 'tenant' ? `entries of tenant ${command.tenant}` : 'all entries';
    audit.read(principal, `${whose} from ${command.from} to ${command.to}, with proof`, null);
  }
  return proofs.ask({ ...command, payloads });
}

function isOwn({ tenant }: Principal, command: { readonly kind: string; readonly tenant: number }): boolean {
  return command.kind === 'tenant' && command.tenant === tenant;
}

function noProofs(): TruthError {
  return new TruthError(
    'VIEW_UNAVAILABLE',
    'this server keeps no proofs: it is a copy, or was started without them; ask the server that writes the log',
  );
}

/**
 * Checkpoints and what shows that they extend each other say nothing but sizes and hashes: everybody who got in may have
 * them. What an entry holds is for whoever may read it; everything of more than one's own tenant for those of the first one.
 */
function allowProof(principal: Principal, command: ProofCommand): void {
  if (command.command === 'checkpoint-create') allow(principal, 'administer');
  if (command.command !== 'proof-range' && command.command !== 'proof-entries') return;
  allow(principal, 'verify');
  if (!isOwn(principal, command) && principal.tenant !== TENANT_DEFAULT) {
    throw new TruthError(
      'FORBIDDEN',
      `the token "${principal.name}" is of tenant ${principal.tenant} and sees proofs of that tenant’s entries alone`,
      { right: 'verify' },
    );
  }
}
