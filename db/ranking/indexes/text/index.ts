/**
 * `ranking/indexes/text/` finds entities by their words. Schema and entity entries come in from the log through the registry;
 * hits, scores and suggestions go out to queries as a `TextReader`. It may import the ranking kernel, schema
 * and ground, the materializer's contract and the database's ground.
 *
 *     letters, splitter, stemmer, stop-words     text into words
 *     vocabulary, word-finder                    words into numbers; words that are begun, or nearly right
 *     token-codes, document-writer               a document as the numbers of its words
 *     tail, segment, segments, document-store    where documents are and how often each has a term
 *     text-query, planner, text-plan             what is asked
 *     atom-postings, collector, bm25, nearness, searcher     what is answered, and in which order
 *     suggester                                  what somebody may be about to type
 *     text-index, tenant-text, text-view         the index of a kind, of a tenant, and the view
 *     part-bytes, segment-part, store-parts      checkpoints
 */
import type { ViewDefinition } from '../../../materializer/index.ts';
import { TextView } from './text-view.ts';

export type { TextView } from './text-view.ts';

export const rankingText: ViewDefinition<TextView> = {
  name: 'ranking-text',
  version: 2,
  scope: 'tenant',
  required: false,
  create: ({ logId }) => new TextView(logId),
};
