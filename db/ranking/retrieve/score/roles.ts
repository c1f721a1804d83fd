/**
 * What a schema's signals are for, told by their names and polarity: sort modes and built-in profiles speak of views and likes,
 * and a schema calls them what it likes.
 */
import type { AttributeType, EntityKind, RankingSchema, SignalType } from '../../schema/model.ts';

export type SignalRole = 'view' | 'like' | 'comment' | 'share' | 'completion' | 'save' | 'live';

const NAMES: Readonly<Record<SignalRole, RegExp>> = Object.freeze({
  view: /^(view|watch|play|impression|read|open|click|visit|listen|stream|download)/,
  like: /^(like|upvote|up_vote|favou?rite|love|heart|rate|rating|star|vote|thumbs?_?up|clap|applau|recommend)/,
  comment: /(comment|repl(y|ies)|review|discuss|answer)/,
  share: /(share|repost|retweet|forward|tweet|boost)/,
  completion: /(complet|finish)/,
  save: /(save|bookmark|wishlist|watchlist|queue|playlist|collect)/,
  live: /(live|concurrent|viewer|present|join)/,
});

/** The first signal about entities of the kind that is named after a role; never a negative one. */
export function signalOf(role: SignalRole, schema: RankingSchema, kind: EntityKind): SignalType | undefined {
  return signalsAbout(schema, kind).find(
    ({ name, polarity }) => polarity !== 'negative' && NAMES[role].test(name.toLowerCase()),
  );
}

export function positiveSignals(schema: RankingSchema, kind: EntityKind): readonly SignalType[] {
  return signalsAbout(schema, kind).filter(({ polarity }) => polarity === 'positive');
}

export function negativeSignals(schema: RankingSchema, kind: EntityKind): readonly SignalType[] {
  return signalsAbout(schema, kind).filter(({ polarity }) => polarity === 'negative');
}

/** That by which people look at something: a view if there is one, else whatever there is most likely to be of. */
export function attentionSignal(schema: RankingSchema, kind: EntityKind): SignalType | undefined {
  return (
    signalOf('view', schema, kind) ??
    positiveSignals(schema, kind)[0] ??
    signalsAbout(schema, kind).find(({ polarity }) => polarity === 'neutral')
  );
}

/** That by which people say that something is good. */
export function approvalSignal(schema: RankingSchema, kind: EntityKind): SignalType | undefined {
  const view = signalOf('view', schema, kind);
  return (
    signalOf('like', schema, kind) ??
    signalOf('completion', schema, kind) ??
    signalOf('share', schema, kind) ??
    positiveSignals(schema, kind).find((signal) => signal !== view) ??
    attentionSignal(schema, kind)
  );
}

/** Name of the first attribute of some types that is named as asked; computed ones count where they are numbers. */
export function attributeNamed(
  kind: EntityKind,
  names: RegExp,
  types: readonly AttributeType[],
): EntityKind['attributes'][number] | undefined {
  return kind.attributes.find(({ name, type }) => types.includes(type) && names.test(name.toLowerCase()));
}

function signalsAbout(schema: RankingSchema, kind: EntityKind): readonly SignalType[] {
  return schema.signals.filter(({ target }) => target === kind.id);
}
