import js from "@eslint/js";
import a11y from "eslint-plugin-jsx-a11y";
import hooks from "eslint-plugin-react-hooks";
import globals from "globals";
import { readdirSync } from "node:fs";
import tseslint from "typescript-eslint";

const features = readdirSync(new URL("./src/features", import.meta.url));
const FORMATTERS = "Money, Quantity and When (src/ui) alone format amounts and instants.";

/** Forbids imports, with the reason that is shown. */
function layer(files, group, message) {
  return { files, rules: { "no-restricted-imports": ["error", { patterns: [{ group, message }] }] } };
}

export default tseslint.config(
  { ignores: ["node_modules", "src/api/schema.d.ts", "public"] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  a11y.flatConfigs.recommended,
  hooks.configs.flat.recommended,
  {
    languageOptions: {
      globals: globals.browser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "max-lines": ["error", { max: 200, skipBlankLines: true, skipComments: true }],
      "@typescript-eslint/consistent-type-definitions": ["error", "type"],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // Says what the React Compiler would skip; it is not used here.
      "react-hooks/incompatible-library": "off",
      // The router's way to say "go elsewhere" is to throw a redirect.
      "@typescript-eslint/only-throw-error": "off",
    },
  },
  {
    files: ["src/{app,api,features}/**"],
    rules: {
      "no-restricted-syntax": [
        "error",
        { selector: "MemberExpression[object.name='Intl']", message: FORMATTERS },
        { selector: "CallExpression[callee.property.name=/^toLocale(Date|Time)?String$/]", message: FORMATTERS },
        { selector: "CallExpression[callee.property.name='toFixed']", message: FORMATTERS },
        { selector: "ImportDeclaration[source.value='date-fns']", message: FORMATTERS },
      ],
    },
  },
  layer(["src/ui/**"], ["@/*", "../*"], "ui knows nothing above it."),
  layer(["src/api/**"], ["@/ui/*", "@/features/*", "@/app/*", "../*"], "api knows nothing above it."),
  ...features.map((feature) =>
    layer(
      [`src/features/${feature}/**`],
      ["@/app/*", "@/features/*", "../*"],
      "Features import ui and api, never each other.",
    ),
  ),
  { files: ["eslint.config.js"], ...tseslint.configs.disableTypeChecked },
);
