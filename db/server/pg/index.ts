/**
 * `server/pg/` speaks PostgreSQL's frontend/backend protocol 3.0 over the same database as the other doors: bytes come in
 * through MessageReader, become messages (client-message), are handled in order by a Conversation, and leave through
 * MessageWriter and the server's Outbox. SQL is carried out by `SqlDatabase`; questions about the catalog by catalog/. May import
 * sql/'s contract, types and parser, and the server's tokens, limits and counters.
 */
export { PgListener, type PgListenerOptions } from './listener.ts';
