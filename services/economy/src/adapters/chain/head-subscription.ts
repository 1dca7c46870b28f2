/**
 * Calls `onHead` for every new head the node announces over WebSocket, and once on each connection, so that heads
 * missed while it was down are asked for. Reconnects with a growing pause until the signal ends it.
 */
export function subscribeToHeads(httpUrl: string, onHead: () => void, signal: AbortSignal): void {
  const url = httpUrl.replace(/^http/, "ws");
  const firstPauseMs = 100;
  const longestPauseMs = 5_000;
  let pauseMs = firstPauseMs;

  const connect = (): void => {
    if (signal.aborted) return;
    const socket = new WebSocket(url);
    const close = (): void => socket.close();
    signal.addEventListener("abort", close, { once: true });
    socket.addEventListener("open", () => {
      pauseMs = firstPauseMs;
      socket.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_subscribe", params: ["newHeads"] }));
    });
    socket.addEventListener("message", onHead);
    socket.addEventListener("error", () => undefined);
    socket.addEventListener("close", () => {
      signal.removeEventListener("abort", close);
      if (signal.aborted) return;
      setTimeout(connect, pauseMs).unref();
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    });
  };
  connect();
}
