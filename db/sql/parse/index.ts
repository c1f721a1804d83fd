/**
 * `sql/parse/` turns text into the statements of ../ast.ts. Text comes in from whoever has some, statements go out; what is not
 * SQL, or not ours, is refused with its place and the way out (docs/sql.md, "Language").
 *
 * On its way a text is cut into tokens (tokens), these into statements bounded in size and nesting (statements, nesting); our own
 * clauses are cut out (own-clauses, own-statements) and the rest goes through PostgreSQL's grammar (grammar); its trees are
 * translated (statement and below), and whatever of a tree nobody looked at is refused by name (tree, unsupported).
 *
 * It imports the types of SQL, errors, and nothing of the database.
 */
export { columnName } from './column-name.ts';
export { loadParser, type SqlParser } from './parser.ts';
export { printExpression, printName } from './print.ts';
