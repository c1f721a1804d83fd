/** Steps through the parse tree that PostgreSQL's own grammar gives: nodes are objects with one key, the kind. */

export type Fields = Readonly<Record<string, unknown>>;

export interface ParseNode {
  readonly kind: string;
  readonly fields: Fields;
}

/** The node in an object with one key; null where there is none. */
export function nodeOf(value: unknown): ParseNode | null {
  if (typeof value !== 'object' || value === null) return null;
  const [kind] = Object.keys(value);
  return kind === undefined ? null : { kind, fields: (value as Record<string, Fields>)[kind] as Fields };
}

export function nodesOf(value: unknown): ParseNode[] {
  return listOf(value).flatMap((item) => nodeOf(item) ?? []);
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Texts of a list of String nodes: a qualified name, from the outside in. */
export function namesOf(value: unknown): string[] {
  return nodesOf(value).flatMap(({ kind, fields }) => (kind === 'String' ? [textOf(fields['sval'])] : []));
}

/** Every node of a tree, without recursion: a statement may be nested deeply. */
export function* everyNode(root: unknown): Generator<ParseNode> {
  const open: unknown[] = [root];
  while (open.length > 0) {
    const at = open.pop();
    if (Array.isArray(at)) open.push(...at);
    else if (typeof at === 'object' && at !== null) {
      for (const [kind, fields] of Object.entries(at)) {
        if (typeof fields !== 'object' || fields === null) continue;
        if (/^[A-Z]/.test(kind)) yield { kind, fields: fields as Fields };
        open.push(fields);
      }
    }
  }
}
