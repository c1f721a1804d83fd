/** Version and commit of this build. The bundler puts both in; run from source there is no build, and it says so. */
declare const __TRUTHDB_VERSION__: string | undefined;
declare const __TRUTHDB_COMMIT__: string | undefined;

export const VERSION: string = typeof __TRUTHDB_VERSION__ === 'string' ? __TRUTHDB_VERSION__ : '0.0.0-source';

/** Full commit hash, `-dirty` behind it when the tree differed; "unknown" when run from source. */
export const COMMIT: string = typeof __TRUTHDB_COMMIT__ === 'string' ? __TRUTHDB_COMMIT__ : 'unknown';
