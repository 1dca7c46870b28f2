import { join } from "node:path";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: ["index.html", "chain.html", "operations.html", "proof.html"].map((page) =>
        join(import.meta.dirname, page),
      ),
    },
  },
  server: {
    proxy: {
      "/v1": "http://127.0.0.1:8080",
      "/rpc": "http://127.0.0.1:8080",
      "/health": "http://127.0.0.1:8080",
    },
  },
});
