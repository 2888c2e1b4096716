// Sockets that open at once and then send a byte of a header each second, each at its own moment of it; says
// after how many seconds the last was closed by the server.
//
//   node serve/slow.mjs URL SOCKETS

import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const [url, n] = process.argv.slice(2);
const { hostname, port } = new URL(url);
const lives = Array.from({ length: Number(n) }, async (_, i) => {
  const socket = connect(Number(port), hostname);
  const begin = performance.now();
  let isOpen = true;
  const closed = new Promise((resolve) => socket.once("close", resolve).on("error", () => {}).resume());
  closed.then(() => {
    isOpen = false;
  });
  await new Promise((resolve) => socket.once("connect", resolve).once("error", resolve));
  socket.write("GET /search?q=tide HTTP/1.1\r\nHost: x\r\nX-Slow: ");
  await sleep((i / Number(n)) * 1000);
  while (isOpen) {
    socket.write("a");
    await Promise.race([sleep(1000), closed]);
  }
  await closed;
  return (performance.now() - begin) / 1000;
});
console.log(Math.max(...(await Promise.all(lives))));
