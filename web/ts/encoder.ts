// The binding of the encoder's module, loaded where an index is opened with an embedder.

export { default, load } from "../generated/encoder/littoral.js";
