import { describe, expect, it } from "vitest";
import { ProgressBoard } from "./progress-board.js";

describe("progress board", () => {
  it("tells watchers of one piece of work until they go", () => {
    const board = new ProgressBoard();
    let told = 0;
    const watch = board.watch("a", () => told++);
    board.set("a", "proving", 30.4, "Proving.");
    board.set("b", "proving", 1, "Another.");
    board.end("a");
    watch[Symbol.dispose]();
    board.set("a", "proving", 2, "Later.");
    expect(told).toBe(2);
    expect(board.get("a")).toEqual({ stage: "proving", percent: 2, message: "Later.", figures: {} });
  });

  it("stays bounded by forgetting what changed longest ago", () => {
    const board = new ProgressBoard();
    for (let i = 0; i < 1_001; i++) board.set(String(i), "proving", 1, "");
    expect(board.get("0")).toBeUndefined();
    expect(board.get("1000")).toBeDefined();
  });
});
