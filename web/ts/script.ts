// Scripts that a page loads once it needs them.

let tries = 0;

/** What `load` imports: the script `name` beside this one. A browser may keep that a script was not to be had,
 * as while there is no network; so it is asked for under another address then. Where a bundler has put it
 * elsewhere, it fails as it did. */
export async function script<S>(name: string, load: () => Promise<S>): Promise<S> {
  try {
    return await load();
  } catch (cause) {
    tries += 1;
    // In two steps, so that no bundler takes it for a file of its own.
    const here = import.meta.url;
    const { href } = new URL(`${name}?${tries}`, here);
    return import(/* webpackIgnore: true */ /* @vite-ignore */ href).catch(() => {
      throw cause;
    });
  }
}
