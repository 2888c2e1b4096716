// Errors with a stable code, the same as the program's and the engine's.

/** What everything here rejects with. */
export interface LittoralError extends Error {
  /** Stable and kebab-case: `stale-index`, `wasm-blocked`, `offline`, `not-found` … */
  code: string;
  /** The file within the index, where one is meant. */
  path?: string;
}

/** An error with a code, and what else is known. */
export function fault(code: string, message: string, more: object = {}): LittoralError {
  const { cause, ...rest } = more as { cause?: unknown };
  const error = new Error(message, cause === undefined ? undefined : { cause });
  return Object.assign(error, { code }, rest);
}

/** Whether something thrown has a code of its own. */
export function isFault(thrown: unknown): thrown is LittoralError {
  return thrown instanceof Error && typeof (thrown as { code?: unknown }).code === "string";
}

/** An error as plain data, for a message from a worker. */
export function packed(thrown: unknown): Record<string, unknown> {
  const { message, name } = thrown instanceof Error ? thrown : new Error(String(thrown));
  return { ...(thrown as object), message, name };
}

/** The error of a message from a worker. */
export function unpacked({ message, ...more }: Record<string, unknown>): LittoralError {
  return fault(String(more.code ?? "internal"), String(message), more);
}
