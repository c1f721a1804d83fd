/**
 * `server/` is the database behind its doors: the wire protocol over TLS and a local socket, HTTP beside it, tokens and
 * the certificate. Bytes come in through listener → session → requests, become calls of the engine, and go out through
 * the outbox; every queue on the way is bounded (limits, admission) and says how full it is (counters).
 *
 *     run                               a server from start to stop
 *     setup, certificate, der, tokens   what a data directory needs beside the log
 *     listener, session, requests       connections; lent-reads, outbox: their bytes; subscription, admission: flow control
 *     http/                             routes, OpenAPI, server-sent events, metrics
 *
 * May import the engine, the protocol and the ground (types, errors, io); nothing of client and cli.
 */
export { type RunOptions, runServer, type Serving } from './run.ts';
export { setUp } from './setup.ts';
export { ROLES } from './token-file.ts';
