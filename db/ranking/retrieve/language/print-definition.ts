/** Definitions as text, in one canonical form; what is kept as the text of cohorts and profiles. */
import type {
  AttributeDefinition,
  Definition,
  DiversityDefinition,
  EffectDefinition,
  EmbeddingDefinition,
  EntityDefinition,
  ProfileDefinition,
  SignalDefinition,
  SourceDefinition,
  TermDefinition,
  WeightDefinition,
} from '../../schema/definition.ts';
import type { Decay } from '../../schema/model.ts';
import type { DiversityRule } from './ast.ts';
import { isFiltered } from './entity-definition.ts';
import { printCondition, printConditions } from './print-condition.ts';
import { printDuration, printKey, printName, printNames, printNumber, printText } from './print-parts.ts';
import { printMeasure, printProduct, printScalar } from './print-scalar.ts';

/** Errors: INVALID_ARGUMENT for numbers that are not finite. */
export function printDefinition(definition: Definition): string {
  switch (definition.define) {
    case 'entity':
      return printEntity(definition);
    case 'signal':
      return printSignal(definition);
    case 'relationship': {
      const { name, from, to, decay, weight } = definition;
      const ends = `FROM ${printName(from)} TO ${printName(to)}`;
      return `DEFINE RELATIONSHIP ${printName(name)} ${ends} ${printDecay(decay)} ${printWeight(weight)}`;
    }
    case 'cohort':
      return `DEFINE COHORT ${printName(definition.name)} AS ${printConditions(definition.predicate)}`;
    case 'profile':
      return printProfile(definition);
    case 'drop':
      return `DROP ${definition.what.toUpperCase()} ${printName(definition.name)}`;
  }
}

function printEntity(definition: EntityDefinition): string {
  const { name, attributes, creator, embeddings, states, person } = definition;
  const properties = [
    ...attributes.map(printAttribute),
    ...(creator === null ? [] : [`${printName(creator.name)} REFERENCES ${printName(creator.kind)}`]),
    ...embeddings.map(printEmbedding),
  ];
  const after = states.length === 0 ? '' : ` STATES (${printNames(states)})`;
  return `DEFINE ENTITY ${printName(name)} ${lines(properties)}${after}${person ? ' PERSON' : ''}`;
}

function printAttribute({ name, type, filter, dimension, search, computed }: AttributeDefinition): string {
  return [
    printName(name),
    type.toUpperCase(),
    ...(computed === null ? [] : [`COMPUTED AS ${printScalar(computed)}`]),
    ...(filter ? ['FILTER'] : isFiltered(type, computed) ? ['NO FILTER'] : []),
    ...(dimension ? ['DIMENSION'] : []),
    ...(search === null ? [] : [`SEARCH WEIGHT ${printNumber(search)}`]),
  ].join(' ');
}

function printEmbedding({ name, dimensions, metric, source }: EmbeddingDefinition): string {
  const from = source === 'given' ? '' : ` ${source.toUpperCase()}`;
  return `${printName(name)} VECTOR(${printNumber(dimensions)}) METRIC ${metric}${from}`;
}

function printSignal(signal: SignalDefinition): string {
  const { name, target, polarity, decay, windows, weight, lateMicros, cohorts, effects } = signal;
  return [
    `DEFINE SIGNAL ${printName(name)} ON ${printName(target)}`,
    polarity.toUpperCase(),
    printDecay(decay),
    `WINDOWS (${windows.join(', ')})`,
    printWeight(weight),
    `LATE ${lateMicros === 0 ? '0s' : printDuration(lateMicros)}`,
    cohorts ? 'COHORTS' : 'NO COHORTS',
    ...(effects.length === 0 ? [] : [`EFFECTS (${effects.map(printEffect).join(', ')})`]),
  ].join(' ');
}

function printDecay(decay: Decay): string {
  if (decay.kind === 'none') return 'DECAY NONE';
  return decay.kind === 'linear'
    ? `DECAY LINEAR LIFETIME ${printDuration(decay.lifetimeMicros)}`
    : `DECAY EXPONENTIAL HALF LIFE ${printDuration(decay.halfLifeMicros)}`;
}

function printWeight({ min, max, default: usual }: WeightDefinition): string {
  return `WEIGHT ${printBounds(min, max)} DEFAULT ${printNumber(usual)}`;
}

function printBounds(min: number, max: number): string {
  return `${printNumber(min)}..${printNumber(max)}`;
}

function printEffect(effect: EffectDefinition): string {
  switch (effect.effect) {
    case 'state':
      return `STATE ${effect.set ? '' : 'un'}${effect.state}`;
    case 'preference':
      return `PREFERENCE ${printName(effect.slot)} ${printChange(effect.rate)}`;
    case 'relationship': {
      const { relationship, to, delta, min, max } = effect;
      const clamp = `CLAMP ${printBounds(min, max)}`;
      return `RELATIONSHIP ${printName(relationship)} TO ${to} ${printChange(delta)} ${clamp}`;
    }
  }
}

function printChange(by: number): string {
  return by < 0 ? printNumber(by) : `+${printNumber(by)}`;
}

function printProfile(profile: ProfileDefinition): string {
  const { name, kind, candidates, terms, gates, exploration, composition, pins, boosts } = profile;
  const diversity = printDiversity(rulesOf(profile.diversity));
  return [
    `DEFINE PROFILE ${printName(name)} ON ${printName(kind)}`,
    ...(candidates.length === 0 ? [] : [`CANDIDATES ${lines(candidates.map(printSource))}`]),
    ...(terms.length === 0 ? [] : [`SCORE ${lines(terms.map(printTerm))}`]),
    ...(gates.length === 0 ? [] : [`GATES (${gates.map(printCondition).join(', ')})`]),
    ...(exploration === null
      ? []
      : [`EXPLORATION ${printNumber(exploration.share)} WITHIN ${printDuration(exploration.withinMicros)}`]),
    `COMPOSE ${composition.toUpperCase()}`,
    ...(diversity === '' ? [] : [diversity]),
    ...pins.map((pin) => `PIN ${printKey(pin.key)} AT ${printNumber(pin.place)}`),
    ...boosts.map(({ predicate, factor }) => {
      const word = factor < 1 ? 'BURY' : 'BOOST';
      return `${word} (${printConditions(predicate)}) BY ${printNumber(factor)}`;
    }),
  ].join('\n');
}

function printSource(source: SourceDefinition): string {
  return `${sourceText(source)} LIMIT ${printNumber(source.limit)}`;
}

function sourceText(source: SourceDefinition): string {
  switch (source.source) {
    case 'top':
      return `top ${printName(source.signal)}${printMeasure(source.measure)}`;
    case 'similar':
      return `similar ${printName(source.slot)} TO ${source.to}`;
    case 'following':
      return `following ${printName(source.relationship)}`;
    default:
      return source.source;
  }
}

function printTerm({ stage, label, weight, of, normalised }: TermDefinition): string {
  const value = normalised ? `NORMALISED(${printScalar(of)})` : printProduct(of);
  return `${stage} ${printText(label)} ${printNumber(weight)} * ${value}`;
}

function rulesOf({ perCreator, perAttribute, mix }: DiversityDefinition): readonly DiversityRule[] {
  return [
    ...(perCreator === null ? [] : [{ rule: 'creator', max: perCreator } as const]),
    ...perAttribute.map(({ attribute, max }) => ({ rule: 'attribute', attribute, max }) as const),
    ...(mix === null ? [] : [{ rule: 'mix', attribute: mix } as const]),
  ];
}

/** With its word; nothing without rules. */
export function printDiversity(rules: readonly DiversityRule[]): string {
  if (rules.length === 0) return '';
  return `DIVERSITY ${rules.map(printRule).join(', ')}`;
}

function printRule(rule: DiversityRule): string {
  switch (rule.rule) {
    case 'creator':
      return `max_per_creator:${rule.max === null ? 'any' : printNumber(rule.max)}`;
    case 'attribute':
      return `${printName(`max_per_${rule.attribute}`)}:${printNumber(rule.max)}`;
    case 'mix':
      return `mix:${rule.attribute === null ? 'false' : printName(rule.attribute)}`;
  }
}

function lines(items: readonly string[]): string {
  return items.length === 0 ? '()' : `(\n${items.map((item) => `  ${item}`).join(',\n')}\n)`;
}
