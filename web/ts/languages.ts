// The binding of the module for indexes in other languages than English, loaded when one is opened.

export { default, open, stop } from "../generated/languages/littoral.js";
