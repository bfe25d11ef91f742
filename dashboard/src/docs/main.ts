import "./reference.css";

import { init } from "redoc/bundles/redoc.standalone.js";

import { lookOf } from "./look";

const place = document.getElementById("reference");
if (place === null) throw new Error("docs.html has no #reference");

init(
  "/openapi.json",
  {
    theme: lookOf(document.documentElement.classList.contains("dark")),
    hideDownloadButtons: true,
    nativeScrollbars: true,
    pathInMiddlePanel: true,
    requiredPropsFirst: true,
    jsonSamplesExpandLevel: 3,
  },
  place,
);
