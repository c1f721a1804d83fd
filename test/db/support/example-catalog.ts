/** Tables, an index and a projection as a tenant might have them, made by hand. */
import { Catalog, type Column, type Table } from '../../../db/sql/catalog/catalog.ts';
import type { Space } from '../../../db/sql/store/contract.ts';
import type { SqlType } from '../../../db/sql/types/sql-type.ts';
import type { Sequence } from '../../../db/types.ts';

const AT = 1 as Sequence;

function column(id: number, name: string, type: SqlType, more: Partial<Column> = {}): Column {
  return { id, name, type, notNull: false, default: null, missing: null, ...more };
}

const LITERAL = { node: 'literal', at: 0 } as const;

const ORDERS: Table = {
  id: 1,
  name: 'orders',
  space: 16 as Space,
  columns: [
    column(1, 'id', { kind: 'integer' }, { notNull: true }),
    column(2, 'customer', { kind: 'text', lengthMax: 40 }, { notNull: true }),
    column(
      3,
      'total',
      { kind: 'decimal', precision: 10, scale: 2 },
      { default: { ...LITERAL, kind: 'integer', text: '0' } },
    ),
    column(
      4,
      'state',
      { kind: 'text', lengthMax: null },
      { default: { ...LITERAL, kind: 'string', text: "it's new" } },
    ),
    column(5, 'placed', { kind: 'timestamp' }),
    column(6, 'detail', { kind: 'json' }),
    column(7, 'paid', { kind: 'boolean' }),
  ],
  primaryKey: { name: 'orders_pkey', columns: [1] },
  indexes: [
    {
      id: 1,
      name: 'orders_placed',
      unique: false,
      columns: [5, 1],
      space: 17 as Space,
      constraint: false,
      createdAt: AT,
    },
    {
      id: 2,
      name: 'orders_customer_key',
      unique: true,
      columns: [2],
      space: 18 as Space,
      constraint: true,
      createdAt: AT,
    },
  ],
  checks: [
    {
      name: 'orders_total_check',
      text: 'total >= 0',
      expression: {
        node: 'binary',
        operator: '>=',
        left: { node: 'column', table: null, name: 'total', at: 0 },
        right: { ...LITERAL, kind: 'integer', text: '0' },
        at: 0,
      },
    },
  ],
  subject: null,
  nextColumn: 8,
  createdAt: AT,
};

export function exampleCatalog(): Catalog {
  const projection = {
    id: 2,
    name: 'totals',
    space: 19 as Space,
    text: 'SELECT customer, sum(total) AS total FROM orders GROUP BY customer',
    state: 'live',
    detail: '{}',
    createdAt: AT,
  } as const;
  return new Catalog({ version: 3, nextTable: 3, nextIndex: 3, nextSpace: 20 }, [ORDERS], [projection]);
}
