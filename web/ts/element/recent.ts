// Searches that led somewhere, kept in the browser's own storage and nowhere else.

const MAX_KEPT = 5;

const key = (src: string) => `littoral recent ${src}`;

export function recent(src: string): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key(src)) ?? "[]");
    return Array.isArray(kept) ? kept.filter((each) => typeof each === "string").slice(0, MAX_KEPT) : [];
  } catch {
    // Forbidden or not ours: nothing is remembered.
    return [];
  }
}

export function remember(src: string, query: string): void {
  const kept = [query, ...recent(src).filter((each) => each !== query)].slice(0, MAX_KEPT);
  try {
    localStorage.setItem(key(src), JSON.stringify(kept));
  } catch {
    // As above.
  }
}

export function forgetAll(src: string): void {
  try {
    localStorage.removeItem(key(src));
  } catch {
    // As above.
  }
}
