// The binding once more, for an engine that is loaded with its rest where the one without it stopped.

export { default, open, stop } from "../generated/core/littoral.js";
