// The binding of the module that answers questions in all languages, loaded with the first one.

export { citedUrl, default, open, Reply, stop } from "../generated/answers/littoral.js";
