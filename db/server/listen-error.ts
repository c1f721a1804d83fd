/** Why an address cannot be listened on, in words. */
import { TruthError } from '../errors.ts';

export function cannotListen(where: string, cause: Error): TruthError {
  const code = 'code' in cause ? cause.code : '';
  const why =
    code === 'EADDRINUSE'
      ? 'it is in use by another program; stop that one or choose another port (--port, --http-port, --pg-port)'
      : code === 'EACCES'
        ? 'this user may not listen there; choose a port of 1024 or more'
        : cause.message;
  return new TruthError('CONFIG', `cannot listen on ${where}: ${why}`, {}, { cause });
}
