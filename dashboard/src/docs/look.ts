/** What differs between the two themes. Plain hexadecimal, since Redoc mixes these colours itself. */
type Palette = {
  ink: string;
  muted: string;
  line: string;
  sunken: string;
  side: string;
  hover: string;
  accent: string;
  green: string;
  red: string;
  blue: string;
  orange: string;
};

const LIGHT: Palette = {
  ink: "#1d1a18",
  muted: "#6b645f",
  line: "#e6e2df",
  sunken: "#f6f4f3",
  side: "#f8f6f5",
  hover: "#efebe9",
  accent: "#9d1f45",
  green: "#1d7a43",
  red: "#c02a1d",
  blue: "#2459b8",
  orange: "#a4520b",
};

const DARK: Palette = {
  ink: "#f0ece9",
  muted: "#a39b95",
  line: "#35302d",
  sunken: "#221e1c",
  side: "#131110",
  hover: "#26221f",
  accent: "#f2809c",
  green: "#6bd394",
  red: "#fb8a7a",
  blue: "#8fb4ff",
  orange: "#f0ad6b",
};

const SANS = '"Inter Variable", ui-sans-serif, system-ui, sans-serif';
const MONO = '"JetBrains Mono Variable", ui-monospace, Menlo, Consolas, monospace';

/** Redoc's theme in the dashboard's colours. */
export function lookOf(dark: boolean): object {
  const palette = dark ? DARK : LIGHT;
  const { ink, muted, line, sunken, side, hover, accent, green, red, blue, orange } = palette;
  // The samples stand on a dark panel in both themes.
  const answer = (name: "green" | "red" | "orange" | "blue") => {
    const color = palette[name];
    return { color, backgroundColor: `${color}1a`, tabTextColor: DARK[name] };
  };
  return {
    spacing: { unit: 5, sectionHorizontal: 36, sectionVertical: 32 },
    colors: {
      primary: { main: accent },
      success: { main: green },
      warning: { main: orange },
      error: { main: red },
      gray: { 50: sunken, 100: hover },
      border: { light: line, dark: line },
      text: { primary: ink, secondary: muted },
      responses: { success: answer("green"), error: answer("red"), redirect: answer("orange"), info: answer("blue") },
      http: { post: accent, get: blue },
    },
    schema: {
      linesColor: line,
      typeNameColor: muted,
      typeTitleColor: muted,
      requireLabelColor: red,
      nestedBackground: sunken,
    },
    typography: {
      fontSize: "14px",
      lineHeight: "1.55",
      fontFamily: SANS,
      smoothing: "antialiased",
      code: { fontSize: "12.5px", fontFamily: MONO, color: ink, backgroundColor: sunken, wrap: true },
      headings: { fontFamily: SANS, fontWeight: "600" },
      links: { color: accent, visited: accent, hover: accent },
    },
    sidebar: {
      width: "250px",
      backgroundColor: side,
      textColor: ink,
      activeTextColor: accent,
      groupItems: { activeBackgroundColor: hover, activeTextColor: accent, textTransform: "none" },
      level1Items: { activeBackgroundColor: hover, activeTextColor: accent, textTransform: "none" },
      arrow: { color: muted },
    },
    rightPanel: {
      backgroundColor: dark ? "#0d0c0b" : "#211c1a",
      textColor: "#f0ece9",
      width: "38%",
      servers: { overlay: { backgroundColor: sunken, textColor: ink }, url: { backgroundColor: hover } },
    },
    codeBlock: { backgroundColor: dark ? "#1a1716" : "#151110" },
    fab: { backgroundColor: sunken, color: accent },
  };
}
