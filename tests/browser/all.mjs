// Every page, visited in one browser.

import { shareBrowser } from "./browser.mjs";
import { lookAtDocs, tryDocs } from "./docs.mjs";
import { visitPages } from "./pages.mjs";
import { visitReports } from "./reports.mjs";

await shareBrowser({ "docs-tried": tryDocs, "docs-looked-at": lookAtDocs, pages: visitPages, reports: visitReports });
