import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Where `npm run dev` sends calls to; a server started with `sumac serve`. */
const server = process.env.SUMAC_URL ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: { alias: { "@": here("./src") } },
  build: {
    outDir: here("../src/sumac/pages/dashboard"),
    emptyOutDir: true,
    // The server's Content-Security-Policy allows no data: fonts and no inline scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2000,
    rollupOptions: { input: { index: here("./index.html"), docs: here("./docs.html") } },
  },
  server: { proxy: { "/v1": server, "/openapi.json": server, "/invoice": server } },
  test: { include: ["src/**/*.test.ts"] },
});
