/** A schema of everything there is, as statements; other tests make it their own. */
export const EXAMPLE_DEFINITIONS = {
  creator: 'DEFINE ENTITY creator (name TEXT SEARCH, catalogue VECTOR(128) CATALOGUE OF item.embedding)',
  item_without_signals:
    'DEFINE ENTITY item (creator REFERENCES creator, embedding VECTOR(128)) STATES (draft, active, archived)',
  user: `DEFINE ENTITY user (
    country KEYWORD DIMENSION, age_group KEYWORD DIMENSION, taste VECTOR(128) PREFERENCE OF item.embedding
  )`,
  interest:
    'DEFINE RELATIONSHIP interest FROM user TO creator DECAY EXPONENTIAL HALF LIFE 30d WEIGHT 0..10 DEFAULT 0',
  follows: 'DEFINE RELATIONSHIP follows FROM user TO creator DECAY NONE WEIGHT 0..1 DEFAULT 1',
  view: `DEFINE SIGNAL view ON item POSITIVE DECAY EXPONENTIAL HALF LIFE 7d WINDOWS (1h, 24h, 7d, 30d, all)
    WEIGHT 0..10 DEFAULT 1 LATE 30d COHORTS
    EFFECTS (STATE seen, PREFERENCE taste +0.05, RELATIONSHIP interest TO creator +0.1 CLAMP 0..10)`,
  like: 'DEFINE SIGNAL like ON item POSITIVE DECAY EXPONENTIAL HALF LIFE 30d EFFECTS (STATE liked)',
  item: `DEFINE ENTITY item (
    title TEXT SEARCH WEIGHT 2, format KEYWORD FILTER, year INTEGER FILTER, tags KEYWORDS FILTER,
    published TIMESTAMP FILTER, quality COMPUTED AS like.count(all) / view.count(all),
    creator REFERENCES creator, embedding VECTOR(128) METRIC cosine
  ) STATES (draft, active, archived)`,
  us_young: "DEFINE COHORT us_young AS country = 'US' AND age_group IN ('18-24', '25-34')",
  for_you: `DEFINE PROFILE for_you ON item
    CANDIDATES (neighbours LIMIT 500, top view.score LIMIT 500, similar embedding TO user LIMIT 300,
      following follows LIMIT 200, new LIMIT 100)
    SCORE (personalisation 'neighbours' 3.0 * NORMALISED(neighbours), signals 'trend' 1.0 * NORMALISED(view.velocity(24h)),
      recency 0.5 * decay(age_hours, 72), penalties 'seen' -1 * state(seen))
    GATES (unhidden, unblocked)
    EXPLORATION 0.1 WITHIN 24h
    COMPOSE SUM
    DIVERSITY max_per_creator:2, format_mix:format
    PIN @x AT 1
    BOOST (format:video) BY 1.2
    BURY (year < 1990)`,
} as const;
