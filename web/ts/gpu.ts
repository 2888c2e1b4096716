// Much to compute in a page: by the GPU where it is faster, and by the CPU where it is not or fails.
//
//   const vectors = await openVectors(rows, 384);
//   const { hits, by } = await vectors.nearest(query, 10);
//
//   const encoder = await openEncoder("/models/minilm.litmodel");
//   const { vectors } = await encoder.encode(texts);

export {
  type BulkEncoder,
  type EncodeOptions,
  type Encoded,
  type EncoderOptions,
  openEncoder,
  type Reranked,
  type RerankOptions,
} from "./gpu/texts.js";
export type { GpuChoice, GpuOptions, GpuState } from "./gpu/device.js";
export { type Found, type Neighbour, openVectors, type VectorOptions, type Vectors } from "./gpu/vectors.js";
