// What a bundle was made with, and what the environment it runs in says.

import type { Options } from "../edge.js";
import { signedTokens } from "./access.js";

/** As `littoral bundle` writes it. */
export interface Config {
  name: string;
  /** `token`: only callers with a signed token are answered. */
  access: "open" | "token";
  about: Record<string, unknown>;
}

/** The options of a handler by the bundle's `config` and the variables
 *
 * | variable | says |
 * |---|---|
 * | `LITTORAL_TOKEN_SECRET` | the secret that tokens are signed with; where there is one, they are needed |
 * | `LITTORAL_CORS` | origins whose pages may read answers, with spaces between them |
 *
 * A server that listens on `port` of loopback alone, and asks for no tokens, answers to the names of
 * loopback only: a page of another site cannot make a browser say them. */
export function settings(
  config: Config,
  variables: Record<string, unknown>,
  port?: number,
): Omit<Options, "open" | "host"> {
  const said = (name: string) => {
    const value = variables[name];
    return typeof value === "string" ? value : "";
  };
  const secret = said("LITTORAL_TOKEN_SECRET");
  const isBound = config.access === "token" || secret !== "";
  const origins = said("LITTORAL_CORS").split(/\s+/).filter(Boolean);
  const names = ["127.0.0.1", "localhost", "[::1]"].map((host) => `${host}:${port}`);
  return {
    name: config.name,
    about: config.about,
    origins,
    // Without a secret nobody has a token, and every request says what is missing.
    ...(isBound && { authorize: signedTokens(secret) }),
    ...(port !== undefined && !isBound && { names }),
  };
}
