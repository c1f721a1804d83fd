/** Which profile a query goes by. */
import type { EntityKind, Profile, RankingSchema } from '../../schema/model.ts';
import { refusedAt, unknownName } from '../../schema/names.ts';
import type { ProfileName, QueryStatement } from '../language/index.ts';
import { BUILT_IN_PROFILES, builtInProfile, isBuiltIn } from '../profiles/built-in.ts';
import { type FittedProfile, fitProfile } from './fit-profile.ts';
import type { BindScope } from './input.ts';

const PLACE = 'USING PROFILE';

/** The same object for the same profile of the same schema, because orderings are kept by it. */
const fitted = new WeakMap<RankingSchema, WeakMap<Profile, FittedProfile>>();

/**
 * Without a name: `for_you` for somebody, `trending` for nobody, `search` of a SEARCH; a profile of the schema under such a name
 * stands before the built-in one. Errors: NOT_FOUND with the closest name, INVALID_ARGUMENT.
 */
export function profileOf(statement: QueryStatement, scope: BindScope): Profile {
  const wanted = statement.profile ?? { name: usualProfile(statement), version: null };
  const profile = find(wanted, statement.profile !== null, scope);
  const { profile: found, warnings } = fittedTo(profile, scope.schema, scope.kind);
  for (const warning of warnings) scope.warn(warning);
  return found;
}

function usualProfile({ statement, user }: QueryStatement): string {
  if (statement === 'search') return 'search';
  return user === null ? 'trending' : 'for_you';
}

function find({ name, version }: ProfileName, isNamed: boolean, { schema, kind, input }: BindScope): Profile {
  const own = schema.profiles.find((profile) => profile.name === name);
  if (own === undefined || (!isNamed && own.kind !== kind.id)) {
    if (isBuiltIn(name)) return builtIn(name, version, schema, kind);
    const names = schema.profiles
      .filter((profile) => profile.kind === kind.id)
      .map((profile) => profile.name);
    throw unknownName(PLACE, `profile of ${kind.name}`, name, [...names, ...BUILT_IN_PROFILES]);
  }
  const wanted = version === null || version === own.version ? own : input.profileVersion(name, version);
  if (wanted === null) {
    throw refusedAt(PLACE, `${name} has no version ${version}`, `its newest is ${own.version}`);
  }
  if (wanted.kind !== kind.id) {
    const ranked = schema.kinds.find((each) => each.id === wanted.kind)?.name ?? 'another kind';
    throw refusedAt(PLACE, `${name} ranks ${ranked}, not ${kind.name}`, `use a profile of ${kind.name}`);
  }
  return wanted;
}

function builtIn(name: string, version: number | null, schema: RankingSchema, kind: EntityKind): Profile {
  if (version === null) return builtInProfile(name, schema, kind);
  throw refusedAt(
    PLACE,
    `${name} is built in and has no versions`,
    `leave :${version} out, or define a profile ${name}`,
  );
}

function fittedTo(profile: Profile, schema: RankingSchema, kind: EntityKind): FittedProfile {
  let ofSchema = fitted.get(schema);
  if (ofSchema === undefined) {
    ofSchema = new WeakMap();
    fitted.set(schema, ofSchema);
  }
  const known = ofSchema.get(profile);
  if (known !== undefined) return known;
  const made = fitProfile(profile, schema, kind);
  ofSchema.set(profile, made);
  return made;
}
