// Runs before the first paint, so that nobody sees a flash of the other theme.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("sumac.theme");
  } catch {
    // Storage may be forbidden; the system's theme is used then.
  }
  const dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.classList.toggle("dark", dark);
})();
