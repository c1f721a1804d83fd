/**
 * `sql/catalog/` is what tables there are: their columns, keys, indexes and checks as immutable data, the entries that
 * change them, and where the store keeps them so that they can be read as of any position. It imports the store's
 * contract, the syntax tree and ground. Definitions come in from commands; the planner, the commands and the doors read
 * them. Nothing in here decides whether a change is allowed.
 */
export {
  Catalog,
  type CatalogHeader,
  type Check,
  COUNTER_SPACE,
  type Column,
  columnById,
  columnNamed,
  followedBy,
  type Index,
  isReducer,
  type PrimaryKey,
  type Projection,
  type ProjectionState,
  SPACE_FIRST,
  type Table,
} from './catalog.ts';
export {
  type CatalogChange,
  type CatalogEntry,
  decodeCatalogEntry,
  encodeCatalogEntry,
} from './catalog-entry.ts';
export {
  CatalogCache,
  encodeHeader,
  encodeProjection,
  encodeTable,
  HEADER_KEY,
  projectionKey,
  tableKey,
} from './catalog-store.ts';
