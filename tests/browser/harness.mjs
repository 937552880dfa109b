// A person in front of a browser, for tests of the console.
//
//     browsing("a file is dropped", { config: "..." }, async ({ page, service }) => { ... });
//
// Each test has a service of its own (target/debug/rollbook on a free port, with a temporary data directory) and a browser
// context of its own; all share one browser. A page that breaks its Content Security Policy, throws, or opens a dialog that
// the test did not expect, fails the test. What a failed test saw is in target/screenshots.
//
// ROLLBOOK_TEST_REPOSITORY says what the service keeps everything in, as for the tests from outside: sqlite, as if it were not
// set, or postgres. Then it has a database of its own on the server at ROLLBOOK_POSTGRES, which goes with it.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const SCREENSHOTS = join(ROOT, "target/screenshots");
export const ADMIN = "browser-admin-token";

const TOOLS = process.env.ROLLBOOK_BROWSER_TOOLS ?? join(ROOT, "target/test-tools/browser/");
const BINARY = process.env.ROLLBOOK_BINARY ?? join(ROOT, "target/debug/rollbook");
export const REPOSITORY = process.env.ROLLBOOK_TEST_REPOSITORY || "sqlite";
const SECRETS_KEY = "a key that the tests seal secrets with";
const installed = createRequire(TOOLS);

export const WIDTHS = [360, 1440];

// Where a file of its own is asked for: sizes at which people look.
const HEIGHT = 900;

// Longer than anything takes, on the slowest machine.
export const PATIENCE = 60_000;

let launched;

/** The one browser. */
export const browser = () => {
  launched ??= installed("playwright-core").chromium.launch({
    executablePath: executable(),
    chromiumSandbox: process.getuid() !== 0,
    args: ["--disable-dev-shm-usage", "--disable-gpu"],
  });
  return launched;
};

const executable = () => {
  const found = spawnSync("sh", ["-c", "command -v chromium || command -v chromium-browser"], { encoding: "utf8" });
  assert.equal(found.status, 0, "chromium is needed: see scripts/need");
  return found.stdout.trim();
};

/** Ends the browser. */
export const close = async () => {
  if (launched) await (await launched).close();
};

// Nothing of ours goes on when we are told to end.
const running = new Set();
const databases = new Set();
process.on("exit", () => {
  running.forEach((child) => child.kill("SIGKILL"));
  databases.forEach((database) => database.drop());
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(130));

/** A database on the PostgreSQL server of the tests. */
class Database {
  constructor() {
    this.name = `rollbook_${randomUUID().replaceAll("-", "")}`;
    this.run(`CREATE DATABASE ${this.name}`);
    databases.add(this);
  }

  /** The one for a new service, if the tests are about PostgreSQL. */
  static chosen() {
    assert.ok(["sqlite", "postgres"].includes(REPOSITORY), `ROLLBOOK_TEST_REPOSITORY = '${REPOSITORY}': it is 'sqlite' or 'postgres'`);
    return REPOSITORY === "postgres" ? new Database() : null;
  }

  /** Statements on the server. */
  run(sql) {
    const server = process.env.ROLLBOOK_POSTGRES;
    assert.ok(server, "ROLLBOOK_POSTGRES says which PostgreSQL server: run scripts/test");
    const ran = spawnSync("psql", ["--no-psqlrc", "--quiet", "--dbname", server, "--command", sql], { encoding: "utf8" });
    assert.equal(ran.status, 0, `${sql}: ${ran.error ?? ran.stderr}`);
  }

  /** Where Rollbook finds it. Its secrets are sealed with a key that no data directory has. */
  get env() {
    const url = process.env.ROLLBOOK_POSTGRES.replace(/[^/]*$/, this.name);
    return { ROLLBOOK_REPOSITORY_URL: url, ROLLBOOK_SECRETS_KEY: SECRETS_KEY };
  }

  drop() {
    databases.delete(this);
    // Whoever is connected belongs to a test that is over.
    this.run(`DROP DATABASE ${this.name} WITH (FORCE)`);
  }
}

/** A service on a free port. */
export class Service {
  /** Starts one. `config` is the text of its rollbook.toml. */
  static async start({ config = "", env = {} } = {}) {
    const data = mkdtempSync(join(tmpdir(), "rollbook-browser-"));
    writeFileSync(join(data, "rollbook.toml"), config);
    const service = new Service();
    service.data = data;
    service.log = "";
    service.database = Database.chosen();
    service.env = { ...process.env, ...service.database?.env };
    service.process = spawn(BINARY, ["--data", data, "serve", "--listen", "127.0.0.1:0"], {
      env: { ...service.env, ROLLBOOK_ADMIN_TOKEN: ADMIN, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.add(service.process);
    service.process.stderr.on("data", (text) => { service.log += text; });
    service.ended = new Promise((resolve) => { service.process.on("exit", resolve); });
    const lines = createInterface({ input: service.process.stdout });
    service.address = await Promise.race([
      new Promise((resolve) => {
        lines.on("line", (line) => { if (line.startsWith("listening on ")) resolve(line.slice("listening on ".length)); });
      }),
      service.ended.then((code) => { throw new Error(`rollbook ended with ${code}: ${service.log}`); }),
    ]);
    return service;
  }

  async stop() {
    this.process.kill("SIGTERM");
    const late = setTimeout(() => this.process.kill("SIGKILL"), 20_000);
    const code = await this.ended;
    clearTimeout(late);
    running.delete(this.process);
    rmSync(this.data, { recursive: true, force: true });
    this.database?.drop();
    assert.equal(code, 0, `rollbook ended with ${code}: ${this.log}`);
  }

  /** What the REST door answers. */
  async rest(method, path, body, headers = {}) {
    const answer = await fetch(this.address + path, {
      method,
      body: body === undefined || typeof body === "string" || body instanceof FormData ? body : JSON.stringify(body),
      headers: {
        Authorization: `Bearer ${ADMIN}`,
        ...(body && !(body instanceof FormData) ? { "Content-Type": "application/json" } : {}),
        ...headers,
      },
    });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return answer.headers.get("content-type")?.includes("json") ? JSON.parse(text) : text;
  }

  /** Imports a file over the REST door and answers with the import once it is over, or with its id if it has only `begun`. */
  async given(csv, { into = "managed/user", unique = "userName", name = "users.csv", query = "", begun = false } = {}) {
    const form = new FormData();
    form.append("upload", new Blob([csv], { type: "text/csv" }), name);
    const { importUUIDs: [id] } = await this.rest("POST", `/upload/csv/${into}?uniqueProperty=${unique}${query}`, form);
    return begun ? id : this.over(id);
  }

  /** The import, once it is over. */
  async over(id) {
    for (;;) {
      const found = await this.rest("GET", `/openidm/csv/metadata/${id}`);
      if (!["queued", "running"].includes(found.state)) return found;
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
  }

  /** The command line, on the installation of the service. */
  command(...args) {
    const ran = spawnSync(BINARY, ["--data", this.data, ...args], { encoding: "utf8", env: this.env });
    return { code: ran.status, out: ran.stdout, err: ran.stderr };
  }
}

/** What a page said that it should not have said. */
class Complaints {
  constructor(context) {
    this.all = [];
    this.expected = [];
    context.on("console", (message) => {
      const text = message.text();
      const isRefusal = /Failed to load resource: the server responded with a status of/.test(text);
      if (["error", "warning"].includes(message.type()) && !isRefusal) this.all.push(`${message.type()}: ${text}`);
    });
    context.on("weberror", (error) => { this.all.push(`thrown: ${error.error().stack}`); });
    context.on("dialog", (dialog) => {
      const at = this.expected.indexOf(dialog.type());
      if (at < 0) this.all.push(`${dialog.type()}: ${dialog.message()}`);
      else this.expected.splice(at, 1);
      dialog.accept().catch(() => {});
    });
  }
}

/** A context of its own: nothing remembered, at 1440 px, or what `options` say. */
export const visit = async (options = {}) => {
  const context = await (await browser()).newContext({
    viewport: { width: 1440, height: HEIGHT },
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    acceptDownloads: true,
    ...options,
  });
  context.setDefaultTimeout(PATIENCE / 3);
  context.complaints = new Complaints(context);
  return context;
};

/** Signs in on whatever page somebody is sent to. */
export const signIn = async (page, service, token = ADMIN, path = "/") => {
  await page.goto(service.address + path);
  await page.getByLabel("Access token").fill(token);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("button", { name: "Sign out" }).or(page.getByRole("button", { name: "Menu" })).filter({ visible: true }).first().waitFor();
};

/**
 * A test: a service, and somebody who has signed in to it as an administrator.
 *
 * @param options `config` and `env` of the service, `context` for the browser, `signedIn: false` for a stranger.
 */
export const browsing = (name, options, body) => {
  test(name, { timeout: PATIENCE * 2 }, async () => {
    const service = await Service.start(options);
    let context, page;
    try {
      context = await visit(options.context);
      page = await context.newPage();
      if (options.signedIn !== false) await signIn(page, service);
      await body({ page, service, context });
      assert.deepEqual(context.complaints.all, [], "what the browser complained of");
    } catch (error) {
      mkdirSync(SCREENSHOTS, { recursive: true });
      const file = join(SCREENSHOTS, `failed ${name.replaceAll(/[^a-z0-9 ]/gi, "")}.png`);
      await page?.screenshot({ path: file, fullPage: true }).catch(() => {});
      const warnings = service.log.split("\n").filter((line) => !line.includes('"INFO"')).slice(-15);
      error.stack += `\n${[`at ${page?.url()}, ${file}`, ...(context?.complaints.all ?? []), ...warnings].join("\n")}`;
      throw error;
    } finally {
      await context?.close();
      await service.stop();
    }
  });
};

/** Files dropped onto an element, as from a desktop. */
export const drop = async (page, selector, ...files) => {
  const data = await page.evaluateHandle((all) => {
    const transfer = new DataTransfer();
    for (const { name, content } of all) transfer.items.add(new File([content], name, { type: "text/csv" }));
    return transfer;
  }, files);
  await page.dispatchEvent(selector, "dragenter", { dataTransfer: data });
  await page.dispatchEvent(selector, "dragover", { dataTransfer: data });
  await page.dispatchEvent(selector, "drop", { dataTransfer: data });
};

/** A CSV file of so many users, of whom every `wrong`th has a mail address that is none. */
export const users = (count, { wrong = 0, prefix = "user" } = {}) => {
  const lines = ["userName,givenName,sn,mail,telephoneNumber"];
  for (let at = 1; at <= count; at += 1) {
    const mail = wrong && at % wrong === 0 ? "no address" : `${prefix}${at}@example.com`;
    lines.push(`${prefix}${at},Given ${at},Name ${at},${mail},+49 30 ${String(at).padStart(6, "0")}`);
  }
  return `${lines.join("\n")}\n`;
};

/** How pages are looked at: every width in light, and dark at the larger one, where more is seen at once. */
const VIEWS = [[360, "light"], [1440, "light"], [1440, "dark"], [360, "dark"]];

/**
 * Looks at a page as it is now, at both widths, in light and dark: fails for what axe-core finds serious or critical, for a
 * page that is wider than its window, and for markup that no template of ours has; leaves screenshots behind, named `where`.
 */
export const examine = async (page, where) => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  const found = new Set(await page.evaluate(foreign));
  const before = page.viewportSize();
  await page.evaluate(installed("axe-core").source);
  for (const [width, colorScheme] of VIEWS) {
    await page.setViewportSize({ width, height: HEIGHT });
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    // Colours are all that differs in the dark.
    const options = { resultTypes: ["violations"], ...(colorScheme === "dark" ? { runOnly: ["color-contrast"] } : {}) };
    const { violations } = await page.evaluate((all) => globalThis.axe.run(all), options);
    for (const { id, impact, nodes } of violations.filter((each) => ["serious", "critical"].includes(each.impact))) {
      for (const node of nodes) found.add(`${width} px, ${colorScheme}: ${id} (${impact}): ${node.html.slice(0, 200)}: ${node.failureSummary}`);
    }
    const excess = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (excess > 0) found.add(`${width} px: the page is ${excess} px too wide`);
    const fullPage = await page.locator("dialog:modal").count() === 0;
    await page.screenshot({ path: join(SCREENSHOTS, `${where} ${width} ${colorScheme}.png`), fullPage });
  }
  await page.setViewportSize(before);
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  assert.deepEqual([...found], [], `what is wrong with the page '${where}'`);
};

/** Fails for markup, scripts and attributes that no template of ours has: for values that have become more than text. */
export const inert = async (page, where) => {
  assert.deepEqual(await page.evaluate(foreign), [], `what values have become on the page '${where}', ${page.url()}`);
};

// Runs in the page: what is in it that none of our templates has, as it would be if a value had become markup.
const foreign = () => {
  const wrong = [];
  const scripts = Array.from(document.scripts, (script) => script.getAttribute("src") ?? "inline");
  if (scripts.length !== 3 || scripts.some((source) => !source.startsWith("/console/assets/"))) wrong.push(`scripts: ${scripts}`);
  for (const element of document.querySelectorAll("img, iframe, object, embed, style, base, b, i, u, marquee, video, audio, math, frame, applet, svg a, svg script")) {
    wrong.push(`element: ${element.outerHTML.slice(0, 120)}`);
  }
  for (const element of document.querySelectorAll("*")) {
    for (const { name, value } of element.attributes) {
      const isScript = name.startsWith("on") || name === "style" || /^hx-on|^hx-vals/.test(name);
      const leads = ["href", "src", "action", "formaction"].includes(name) && !/^([/#?]|https?:\/\/(127\.0\.0\.1|localhost))/.test(value);
      // What is in force is checked, not what is written: JavaScript sets styles of its own without an attribute.
      if (isScript || leads || !/^[a-zA-Z:_][-a-zA-Z0-9:_.]*$/.test(name)) wrong.push(`attribute: ${name}="${value}" of ${element.tagName}`);
    }
  }
  if (document.querySelectorAll("main").length !== 1 || document.querySelector("main").parentElement !== document.body) wrong.push("main is not where it was");
  return wrong;
};

/** Presses Tab until what has the focus has this name; fails if that cannot be seen, or never comes. */
export const reach = async (page, name, { key = "Tab", most = 80 } = {}) => {
  const seen = [];
  for (let at = 0; at < most; at += 1) {
    await page.keyboard.press(key);
    const focus = await page.evaluate(() => {
      const element = document.activeElement;
      const labels = Array.from(element.labels ?? [], (label) => label.textContent).join(" ");
      const shows = [element, element.closest("label")].some((one) => {
        const style = one && getComputedStyle(one);
        return style && (style.outlineStyle !== "none" || style.boxShadow !== "none");
      });
      const called = element.getAttribute("aria-label") ?? (labels || element.textContent || element.value || "");
      return { called: called.replace(/\s+/g, " ").trim(), shows, tag: element.tagName };
    });
    seen.push(focus.called.slice(0, 40));
    const isIt = name instanceof RegExp ? name.test(focus.called) : focus.called.includes(name);
    if (isIt && focus.tag !== "BODY") {
      assert.ok(focus.shows, `'${focus.called}' has the focus, and nobody sees it`);
      return;
    }
  }
  assert.fail(`Tab never comes to '${name}', only to: ${seen.join(" | ")}`);
};

export { after, assert };
