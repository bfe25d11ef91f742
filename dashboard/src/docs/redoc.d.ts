/** The browser bundle of Redoc, which its own types do not cover. */
declare module "redoc/bundles/redoc.standalone.js" {
  /** Shows an OpenAPI document inside an element. */
  export function init(address: string, options: object, element: HTMLElement): void;
}
