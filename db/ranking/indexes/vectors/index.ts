/**
 * `ranking/indexes/vectors/` compares vectors: those of items, what the catalogues of their creators come to, and preferences
 * that signals move. It may import the ranking layer's kernel and schema, bitmaps, the materializer's contract, hash and ground.
 * Entries come in through the view; vectors, similarities and the nearest of a set go out through `VectorReader`.
 *
 *     vectors-view      the view, its checkpoint and digest
 *     tenant-vectors    what entries do to the vectors of one tenant; vector-plan: what its schema wants
 *     slot-index        one slot, searched exactly or by its graph
 *     vector-rows       where vectors lie: blocks of an arena of WebAssembly memory
 *     kernels           what is done with them there
 *     linking, graph    when rows enter the graph and leave it; the graph
 *     slot-parts        a slot in a checkpoint
 */
export { checkVector } from './check-vector.ts';
export { rankingVectors, VectorsView } from './vectors-view.ts';
