// All tests of the console in a browser, which they share. scripts/test runs this with node's test runner.

import { after, close } from "./harness.mjs";

import "./sign_in.mjs";
import "./jobs.mjs";
import "./drop_folders.mjs";
import "./objects.mjs";
import "./naughty.mjs";

after(close);
