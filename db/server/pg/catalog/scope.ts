/** What names mean in one SELECT, and of which type what is made of them: drivers want to be told a type before the answer. */
import { functionType } from './functions.ts';
import { listOf, namesOf, nodeOf, nodesOf, type ParseNode, textOf } from './parse-node.ts';
import type { CatalogType } from './relations.ts';
import { typeOid } from './types.ts';

export interface TypedColumn {
  readonly name: string;
  readonly type: CatalogType;
}

export interface Source {
  readonly alias: string;
  readonly columns: readonly TypedColumn[];
  /** A function in FROM: its name alone is its value. */
  readonly isFunction: boolean;
}

export class Scope {
  readonly outer: Scope | null;
  readonly sources: Source[] = [];

  constructor(outer: Scope | null) {
    this.outer = outer;
  }

  /** The function in FROM whose value is meant: by its alias alone, or by the name of its column; null for a relation's column. */
  functionAlias(alias: string | null, name: string): string | null {
    for (let scope: Scope | null = this; scope !== null; scope = scope.outer) {
      for (const { alias: of, columns, isFunction } of scope.sources) {
        if (!isFunction) continue;
        const isColumn = columns.some((column) => column.name === name);
        if (alias === of ? isColumn : alias === null && (isColumn || name === of)) return of;
      }
    }
    return null;
  }

  columnType(alias: string | null, name: string): CatalogType | null {
    for (let scope: Scope | null = this; scope !== null; scope = scope.outer) {
      for (const source of scope.sources) {
        if (alias !== null && source.alias !== alias) continue;
        const found = source.columns.find((column) => column.name === name);
        if (found !== undefined) return found.type;
      }
    }
    return null;
  }

  /** What `*` or `alias.*` stands for. */
  star(alias: string | null): readonly TypedColumn[] {
    return this.sources
      .filter((source) => alias === null || source.alias === alias)
      .flatMap((source) => source.columns);
  }
}

const COMPARISON = /^(=|<>|!=|<|>|<=|>=|!?~{1,2}\*?)$/;
const TYPES_BY_OID: Readonly<Record<number, CatalogType>> = {
  16: 'bool',
  20: 'int8',
  21: 'int2',
  23: 'int4',
  26: 'oid',
  701: 'float8',
};

/** Text where nothing better is known: every value can be shown as text. */
export function typeOfNode(node: ParseNode | null, scope: Scope): CatalogType {
  if (node === null) return 'text';
  const { kind, fields } = node;
  switch (kind) {
    case 'ColumnRef': {
      const names = namesOf(fields['fields']);
      const name = names.at(-1) ?? '';
      return scope.columnType(names.length > 1 ? (names.at(-2) ?? null) : null, name) ?? 'text';
    }
    case 'A_Const':
      return fields['boolval'] !== undefined ? 'bool' : fields['ival'] !== undefined ? 'int4' : 'text';
    case 'TypeCast':
      return castType(fields['typeName']);
    case 'FuncCall':
      return callType(fields, scope);
    case 'BoolExpr':
    case 'NullTest':
    case 'BooleanTest':
      return 'bool';
    case 'A_Expr':
      return operatorType(fields, scope);
    case 'CoalesceExpr':
      return typeOfNode(nodesOf(fields['args'])[0] ?? null, scope);
    case 'CaseExpr':
      return typeOfNode(nodeOf(nodesOf(fields['args'])[0]?.fields['result']), scope);
    case 'A_Indirection':
      return nodesOf(fields['indirection'])[0]?.kind === 'String' ? 'int4' : 'text';
    case 'SubLink':
      return fields['subLinkType'] === 'EXISTS_SUBLINK' || fields['subLinkType'] === 'ANY_SUBLINK'
        ? 'bool'
        : 'text';
    default:
      return 'text';
  }
}

function castType(typeName: unknown): CatalogType {
  const names = namesOf((typeName as Record<string, unknown>)['names']);
  const isArray = listOf((typeName as Record<string, unknown>)['arrayBounds']).length > 0;
  const oid = isArray ? null : typeOid(names.at(-1) ?? '');
  return (oid === null ? null : TYPES_BY_OID[oid]) ?? 'text';
}

function callType(fields: ParseNode['fields'], scope: Scope): CatalogType {
  const name = namesOf(fields['funcname']).at(-1) ?? '';
  if (name === 'min' || name === 'max') return typeOfNode(nodesOf(fields['args'])[0] ?? null, scope);
  return functionType(name) ?? 'text';
}

function operatorType(fields: ParseNode['fields'], scope: Scope): CatalogType {
  const operator = namesOf(fields['name']).at(-1) ?? '';
  if (fields['kind'] === 'AEXPR_NULLIF') return typeOfNode(nodeOf(fields['lexpr']), scope);
  if (textOf(fields['kind']) !== 'AEXPR_OP' || COMPARISON.test(operator)) return 'bool';
  if (operator === '||') return 'text';
  return typeOfNode(nodeOf(fields['lexpr']) ?? nodeOf(fields['rexpr']), scope);
}
