/** A tenant by its name, for whoever may know of all of them: of a name that nobody has the close ones are told. */
import { TruthError } from '../errors.ts';
import { closeNames } from './close-names.ts';
import type { TenantDirectory, TenantRecord } from './directory.ts';

/** Errors: NOT_FOUND. */
export function findTenant(directory: Pick<TenantDirectory, 'byName' | 'list'>, name: string): TenantRecord {
  const tenant = directory.byName(name);
  if (tenant !== null) return tenant;
  const all = directory.list();
  const shredded = all.filter((each) => each.name === name).map(({ id }) => id);
  if (shredded.length > 0) {
    throw new TruthError(
      'NOT_FOUND',
      `tenant "${name}" was shredded, and its name may be another's some day: give its number, ${shredded.join(' or ')}`,
      { tenant: name },
    );
  }
  const named = all.filter((each) => each.state !== 'shredded' && each.name !== '');
  const close = closeNames(
    name,
    named.map((each) => each.name),
  );
  const hint = close.length === 0 ? 'truthdb tenant list shows them' : `did you mean ${quoted(close)}?`;
  throw new TruthError('NOT_FOUND', `there is no tenant named "${name}"; ${hint}`, { tenant: name });
}

function quoted(names: readonly string[]): string {
  const all = names.map((name) => `"${name}"`);
  return all.length === 1 ? all.join() : `${all.slice(0, -1).join(', ')} or ${all.at(-1)}`;
}
