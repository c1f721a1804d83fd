/**
 * `pg/catalog/` answers what psql's commands and drivers ask about tables: their SELECTs on pg_catalog and information_schema.
 * A question is recognised by what PostgreSQL's grammar makes of it (catalog-statement), written as SQLite's SQL (sqlite-text)
 * and answered in a thread of its own from relations in memory that are filled from the tenant's catalog (content). May import
 * sql/'s catalog, types and words; knows nothing of sockets or messages beyond the form of an answer.
 */
export { CatalogAnswers } from './catalog-answers.ts';
export { CatalogDatabase, columnsOf } from './catalog-database.ts';
export { aboutCatalog, type CatalogAsker, mayBeAboutCatalog, prepareCatalog } from './catalog-statement.ts';
