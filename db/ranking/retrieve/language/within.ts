/**
 * Where candidates come from, behind WITHIN:
 *
 *     TRENDING [signal] [window] [TOP n]          COHORT (name | "(" conditions ")") [TRENDING [signal]] [window] [TOP n]
 *     FOLLOWING [relationship] [TOP n]            RELATED TO key [TOP n]
 *     SEARCH text [TOP n]                         CREATOR key
 *     SEEN | LIKED | SAVED | …                    ITEMS "[" key, … "]"
 */
import { USER_ITEM_STATES } from '../../schema/model.ts';
import type { WithinClause } from './ast.ts';
import { conditions } from './conditions.ts';
import type { Reader } from './reader.ts';
import { stateOf } from './words.ts';

/** Of a source of candidates. */
const TOP_MAX = 10_000;
const KINDS = ['TRENDING', 'COHORT', 'FOLLOWING', 'RELATED', 'SEARCH', 'CREATOR', 'ITEMS'] as const;

/** Errors: INVALID_ARGUMENT, TOO_LARGE. */
export function within(reader: Reader): WithinClause {
  if (reader.accept('trending')) return trending(reader);
  if (reader.accept('cohort')) return cohort(reader);
  if (reader.accept('following')) {
    const relationship = reader.nameIfAny();
    return { clause: 'following', relationship, top: top(reader) };
  }
  if (reader.accept('related')) return related(reader);
  if (reader.accept('search')) {
    const text = reader.textOperand("a text in '…'");
    return { clause: 'search', text, top: top(reader) };
  }
  if (reader.accept('creator'))
    return { clause: 'creator', creator: reader.key('the key of a creator, such as @c1') };
  if (reader.accept('items')) {
    const items = reader.enclosed('[', () => reader.list(() => reader.key('a key, such as @i1')));
    return { clause: 'items', items };
  }
  return state(reader);
}

function state(reader: Reader): WithinClause {
  const found = reader.isA('word') && !reader.isQuoted ? stateOf(reader.spelling()) : null;
  if (found === null || !found.set)
    reader.fail(...KINDS, ...USER_ITEM_STATES.map((word) => word.toUpperCase()));
  reader.next();
  return { clause: 'state', state: found.state };
}

function trending(reader: Reader): WithinClause {
  const signal = signalIfAny(reader);
  const window = reader.isWindow() ? reader.window() : null;
  return { clause: 'trending', signal, window, top: top(reader) };
}

function cohort(reader: Reader): WithinClause {
  const who = reader.isSign('(')
    ? reader.enclosed('(', () => conditions(reader))
    : reader.name('the name of a cohort, or a condition in (…)');
  const signal = reader.accept('trending') ? signalIfAny(reader) : null;
  const window = reader.isWindow() ? reader.window() : null;
  return { clause: 'cohort', cohort: who, signal, window, top: top(reader) };
}

function signalIfAny(reader: Reader): string | null {
  return reader.isWindow() ? null : reader.nameIfAny();
}

/** Errors: INVALID_ARGUMENT. Behind RELATED. */
export function related(reader: Reader): WithinClause {
  reader.expect('to');
  const item = reader.key('the key of an item, such as @i1');
  return { clause: 'related', item, top: top(reader) };
}

function top(reader: Reader): number | null {
  return reader.accept('top') ? reader.whole('a number of candidates', 1, TOP_MAX) : null;
}
