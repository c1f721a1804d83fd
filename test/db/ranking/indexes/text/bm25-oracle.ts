/** BM25 from its definition over all documents, one after the other. Documents are terms by field; fields have weights. */

export interface OracleDocument {
  readonly number: number;
  /** Terms by field. */
  readonly fields: readonly (readonly string[])[];
}

export interface OracleHit {
  readonly number: number;
  readonly score: number;
}

const K1 = 1.2;
const B = 0.75;
/** What is added where all of several terms are there. */
const ALL_PART = 0.1;

/** Best first, ties by number. */
export function rank(
  documents: readonly OracleDocument[],
  weights: readonly number[],
  terms: readonly string[],
): readonly OracleHit[] {
  const lengths = documents.map(({ fields }) => weighted(fields, weights, () => true));
  const average = lengths.reduce((sum, length) => sum + length, 0) / documents.length;
  const distinct = [...new Set(terms)];
  const holders = new Map(
    distinct.map((term) => [
      term,
      documents.filter(({ fields }) => fields.some((field) => field.includes(term))).length,
    ]),
  );
  const known = distinct.filter((term) => holders.get(term)! > 0);
  const hits = documents.map(({ number, fields }, index) => {
    let score = 0;
    let seen = 0;
    for (const term of distinct) {
      const frequency = weighted(fields, weights, (each) => each === term);
      if (frequency === 0) continue;
      seen += 1;
      const said = terms.filter((each) => each === term).length;
      const having = holders.get(term)!;
      const idf = Math.log(1 + (documents.length - having + 0.5) / (having + 0.5));
      const norm = K1 * (1 - B + (B * lengths[index]!) / average);
      score += (said * idf * (K1 + 1) * frequency) / (frequency + norm);
    }
    return { number, score: known.length > 1 && seen === known.length ? score * (1 + ALL_PART) : score };
  });
  return hits
    .filter(({ score }) => score > 0)
    .sort((one, other) => other.score - one.score || one.number - other.number);
}

function weighted(
  fields: readonly (readonly string[])[],
  weights: readonly number[],
  counts: (term: string) => boolean,
): number {
  return fields.reduce((sum, terms, field) => sum + weights[field]! * terms.filter(counts).length, 0);
}
