// The common cases in Express 4 and 5. The other tests of this folder use Express, too.
import { testFramework } from "./support/cases/index.mjs";
import { express, expressV4 } from "./support/frameworks/express.mjs";

testFramework("Express 5", express);
testFramework("Express 4", expressV4);
