// Runs inside the measured pages: what a query takes from its key to its picture.

/** Time from each `input` event to the paint after `settled(query)` is done; the main thread's long
 * tasks while that went on. */
export async function typing(input, queries, settled) {
  const long = [];
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) long.push(duration);
  });
  observer.observe({ type: "longtask" });
  const times = [];
  for (const query of queries) {
    for (let end = 1; end <= query.length; end += 1) {
      const text = query.slice(0, end);
      const start = performance.now();
      const done = settled(text);
      input.value = text;
      input.dispatchEvent(new InputEvent("input", { bubbles: true, composed: true }));
      await done;
      await painted();
      times.push(performance.now() - start);
    }
  }
  await painted();
  observer.disconnect();
  return { times, long };
}

/** Done once what was drawn is on the screen: after a frame has begun, and its work is through. */
function painted() {
  return new Promise((resolve) => {
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port2.onmessage = () => resolve();
      port1.postMessage(0);
    });
  });
}
