// Hosts over what a worker's platform keeps files in.

import { fault, isFault } from "../error.js";
import { ENTRY, fetchHost } from "../host.js";
import type { Host } from "../types.js";

/** Connections that a Cloudflare Worker may have open at a time, and so a good number anywhere. */
const PARALLEL = 6;

/** A binding to static assets, or anything that fetches. */
export interface Assets {
  fetch(request: string | URL): Promise<Response>;
}

/** The part of an R2 bucket that is used. */
export interface Bucket {
  get(key: string): Promise<{ arrayBuffer(): Promise<ArrayBuffer> } | null>;
}

/** The part of a KV namespace that is used. */
export interface Namespace {
  get(key: string, type: "arrayBuffer"): Promise<ArrayBuffer | null>;
}

/** The files below `path` among a worker's static assets. */
export function assetsHost(assets: Assets, path = "/littoral/"): Host {
  // The name of the site does not matter to a binding.
  const get = ((url: URL) => assets.fetch(url)) as typeof fetch;
  return limited(fetchHost(new URL(path, "https://assets.invalid/"), get));
}

/** The files of an R2 bucket whose keys begin with `prefix`. */
export function bucketHost(bucket: Bucket, prefix = ""): Host {
  return kept(prefix, async (key) => (await bucket.get(key))?.arrayBuffer());
}

/** The files of a KV namespace whose keys begin with `prefix`. */
export function namespaceHost(namespace: Namespace, prefix = ""): Host {
  return kept(prefix, (key) => namespace.get(key, "arrayBuffer"));
}

function kept(prefix: string, get: (key: string) => Promise<ArrayBuffer | null | undefined>): Host {
  const file = async (path: string) => {
    let bytes: ArrayBuffer | null | undefined;
    try {
      bytes = await get(prefix + path);
    } catch (cause) {
      throw isFault(cause) ? cause : fault("unreadable", (cause as Error).message, { path, cause });
    }
    if (bytes == null) throw fault("not-found", `there is no ${prefix}${path}`, { path });
    return new Uint8Array(bytes);
  };
  return limited({ entry: () => file(ENTRY), read: (paths) => Promise.all(paths.map(file)) });
}

/** A host that asks `host` for at most `parallel` files at a time in each round. */
export function limited(host: Host, parallel = PARALLEL): Host {
  return {
    ...host,
    entry: () => host.entry(),
    async read(paths) {
      const files = new Array<Uint8Array>(paths.length);
      let next = 0;
      const lane = async () => {
        while (next < paths.length) {
          const i = next++;
          const [file] = await host.read([paths[i] as string]);
          files[i] = file as Uint8Array;
        }
      };
      await Promise.all(Array.from({ length: Math.min(parallel, paths.length) }, lane));
      return files;
    },
  };
}
