// What is added to the JavaScript that wasm-bindgen writes: word of an engine that stops.
//
// The engine's tasks run as microtasks. A trap in one of them leaves the promise that waits for the task
// open for ever, and reaches nobody but the console; so tasks run guarded, and `stop` tells of the trap.
// Nothing is called in a module that stopped, least of all by the collector.

const SCRIPT = `
export const stop = { cause: undefined, waiting: new Set() };

function guarded(task) {
    return () => {
        try {
            task();
        } catch (cause) {
            stop.cause ??= cause;
            for (const tell of stop.waiting) tell();
        }
    };
}

function unlessStopped(free) {
    return (held) => {
        if (stop.cause === undefined) free(held);
    };
}
`;
const TYPES = `
/** What stopped the module, a trap in one of its tasks, and whom it tells. */
export const stop: { cause: unknown; readonly waiting: Set<() => void> };
`;

/** The binding `script` and its `types` with word of a module that stops. */
export function telling(script, types) {
  const changed = [
    [/\bqueueMicrotask\((\w+)\);/g, "queueMicrotask(guarded($1));"],
    [/: new FinalizationRegistry\((.*)\);$/gm, ": new FinalizationRegistry(unlessStopped($1));"],
  ].reduce((text, [from, to]) => {
    const next = text.replace(from, to);
    if (next === text) throw new Error(`wasm-bindgen writes another binding now: there is no ${from}`);
    return next;
  }, script);
  return { script: changed + SCRIPT, types: types + TYPES };
}
