/** `max_per_creator:2, max_per_genre:3, format_mix:true`: rules of which results may stand beside each other, by their names. */
import type { DiversityRule } from './ast.ts';
import type { Reader } from './reader.ts';
import { invalid, quoted } from './refusal.ts';

const MAX_PER = 'max_per_';
const MIX = '_mix';
const MAX_MOST = 1_000;

export function diversityRules(reader: Reader): DiversityRule[] {
  return reader.list(() => rule(reader));
}

function rule(reader: Reader): DiversityRule {
  const { start } = reader;
  const name = reader.name('max_per_creator, max_per_ATTRIBUTE or ATTRIBUTE_mix');
  if (name.startsWith(MAX_PER) && name.length > MAX_PER.length) {
    reader.expectSign(':');
    return atMost(reader, name.slice(MAX_PER.length));
  }
  if (name === 'mix' || (name.endsWith(MIX) && name.length > MIX.length)) {
    reader.expectSign(':');
    return mix(reader, name.slice(0, -MIX.length));
  }
  const message = `there is no rule ${quoted(name)}; there are max_per_creator:2, max_per_ATTRIBUTE:2 and ATTRIBUTE_mix:true`;
  throw invalid(reader.text, start, message);
}

function atMost(reader: Reader, per: string): DiversityRule {
  if (per === 'creator' && reader.accept('any')) return { rule: 'creator', max: null };
  const max = reader.whole('a number of results', 1, MAX_MOST);
  return per === 'creator' ? { rule: 'creator', max } : { rule: 'attribute', attribute: per, max };
}

/** `format_mix:true` and `mix:format` are the same; `mix:false` ends what the profile says. */
function mix(reader: Reader, attribute: string): DiversityRule {
  if (reader.accept('false')) return { rule: 'mix', attribute: null };
  if (attribute !== '' && reader.accept('true')) return { rule: 'mix', attribute };
  return { rule: 'mix', attribute: reader.name('the name of an attribute') };
}
