import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Where `npm run dev` sends calls to: a server started with `sumac serve`. */
const server = process.env.SUMAC_URL ?? "http://127.0.0.1:8000";

/** Redoc's bundle asks for a module called "null" and for a logo on another host; it gets neither. */
function localRedoc(): Plugin {
  return {
    name: "local-redoc",
    resolveId: (id) => (id === "null" ? "\0null" : undefined),
    load: (id) => (id === "\0null" ? "export default null" : undefined),
    transform: (code, id) =>
      id.includes("redoc.standalone") ? code.replace("https://cdn.redoc.ly/redoc/logo-mini.svg", "data:,") : undefined,
  };
}

export default defineConfig({
  plugins: [react(), tailwindcss(), localRedoc()],
  resolve: { alias: { "@": here("./src") } },
  build: {
    outDir: here("../src/sumac/pages/dashboard"),
    emptyOutDir: true,
    // Fonts and images stay files: the pages' Content-Security-Policy allows no data: fonts.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 2000,
    rollupOptions: { input: { index: here("./index.html"), docs: here("./docs.html") } },
  },
  server: { proxy: { "/v1": server, "/openapi.json": server, "/invoice": server } },
  test: { include: ["src/**/*.test.ts"] },
});
