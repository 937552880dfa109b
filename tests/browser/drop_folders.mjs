// Integrations: a drop folder is set up in the dialog, tested, polled, and its runs are looked at.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { assert, browsing, examine } from "./harness.mjs";

const PARTITION = "users_import/current/dt=20210228";
const PEOPLE = "id,email,firstName,signUpDate\nu1,ada@example.com,Ada,2021-02-01\nu2,grace@example.com,Grace,2021-02-02\n";

const main = (page) => page.getByRole("main");
const dialog = (page) => page.getByRole("dialog", { name: "AWS S3 Import Settings" });

const openDialog = async (page, service) => {
  await page.goto(`${service.address}/console/integrations`);
  await main(page).getByRole("link", { name: "Authorize S3 User Import" }).click();
  await dialog(page).waitFor();
};

/** Polls until the run of the partition is over. A partition may still have to settle. */
const pollUntilOver = async (page) => {
  const finished = main(page).locator("tr", { hasText: /20210228|2021-02-28|28 Feb 2021/ }).locator(".state.finished, .state.ok").first();
  for (let at = 0; at < 30 && !(await finished.isVisible()); at += 1) {
    await main(page).getByRole("button", { name: "Poll now" }).click();
    await main(page).getByRole("heading", { name: "What came of the look" }).or(finished).first().waitFor();
    await page.waitForTimeout(500);
  }
  await finished.waitFor();
};

const seeRun = async (page) => {
  await main(page).locator("table a[href*='/runs/']").first().click();
  await main(page).getByRole("heading", { name: "status.txt" }).waitFor();
  await main(page).getByText("users.csv.gz").first().waitFor();
};

browsing("S3 User Import is set up on a directory, a partition dropped, polled and its run looked at", {}, async ({ page, service }) => {
  const root = join(service.data, "drop");
  mkdirSync(join(root, PARTITION), { recursive: true });

  await page.goto(`${service.address}/console/integrations`);
  await main(page).getByRole("heading", { name: "S3 Account Import" }).waitFor();
  await examine(page, "integrations");

  // The dialog keeps the focus, and Escape is its way out.
  await openDialog(page, service);
  await examine(page, "drop folder dialog");
  for (let at = 0; at < 60; at += 1) {
    await page.keyboard.press("Tab");
    assert.ok(await page.evaluate(() => document.activeElement === document.body || Boolean(document.activeElement.closest("dialog"))), "the focus stays in the dialog");
  }
  await page.keyboard.press("Escape");
  await page.waitForURL("**/console/integrations");

  await openDialog(page, service);
  const form = dialog(page);
  assert.equal(await form.getByLabel("Name", { exact: true }).inputValue(), "px-users");
  const key = form.getByLabel("AWS Access Key");
  await form.getByLabel("Authorization Method").selectOption("User Access Keys");
  await key.waitFor();
  await form.getByLabel("Authorization Method").selectOption("None (a directory of the server)");
  await key.waitFor({ state: "hidden" });
  await form.getByLabel("S3 Bucket Name").fill("file:drop");
  await form.getByLabel("Path to base import folder").fill("users_import");

  // How dates are read is shown while the format is typed.
  const preview = form.locator("#dates");
  await form.getByLabel("Cells to try").fill("28/02/2021");
  await form.getByLabel("Date Format").fill("YYYY-MM-dd");
  await preview.locator(".state.failed").first().waitFor();
  await examine(page, "drop folder dialog, a date format refused");
  await form.getByLabel("Date Format").fill("dd/MM/yyyy");
  await preview.getByText("2021-02-28T00:00:00Z").waitFor();
  await form.getByLabel("Date Format").fill("yyyy-MM-dd");
  await form.getByRole("button", { name: "Apply" }).last().click();
  await page.waitForURL(/integrations\/px-users/);

  await main(page).getByRole("button", { name: "Test connection" }).click();
  await main(page).getByText("It can be worked with").waitFor();
  await examine(page, "drop folder tested");

  writeFileSync(join(root, PARTITION, "users.csv.gz"), gzipSync(PEOPLE));
  writeFileSync(join(root, PARTITION, "_SUCCESS"), "");
  await pollUntilOver(page);
  assert.match(readFileSync(join(root, "users_import/processed/20210228/status.txt"), "utf8"), /SUCCESS/);
  assert.ok(!existsSync(join(root, PARTITION, "users.csv.gz")));
  await examine(page, "drop folder");
  await seeRun(page);
  await examine(page, "run");

  await page.goto(`${service.address}/console/integrations/px-users`);
  await main(page).getByRole("button", { name: "Pause" }).click();
  await main(page).locator(".state.paused").first().waitFor();
  await main(page).getByRole("button", { name: "Resume" }).click();
  await main(page).locator(".state.paused").first().waitFor({ state: "detached" });
  await page.goto(`${service.address}/console/integrations`);
  await main(page).getByRole("link", { name: "px-users" }).first().waitFor();
  await examine(page, "integrations in use");
});

/** A bucket of our own in moto. */
const moto = (bucket) => {
  const endpoint = process.env.ROLLBOOK_MOTO;
  assert.ok(endpoint, "moto is needed here and ROLLBOOK_MOTO does not say where it is: run scripts/test");
  const put = (key, content) => {
    const { status, stderr } = spawnSync("curl", [
      "--silent", "--show-error", "--fail", "--globoff", "--max-time", "60", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user", "anybody:anything",
      "--request", "PUT", ...(content === undefined ? [] : ["--data-binary", "@-", "--header", "Content-Type: application/octet-stream"]), `${endpoint}/${bucket}/${key}`,
    ], { input: content ?? "", encoding: "utf8" });
    assert.equal(status, 0, `moto, ${key}: ${stderr}`);
  };
  put("");
  return { endpoint, put };
};

browsing("S3 User Import is set up on S3 with access keys", { config: "[drop_folders]\nallow_private = true\n" }, async ({ page, service }) => {
  const bucket = `console-${process.pid}-${Date.now()}`;
  const { endpoint, put } = moto(bucket);
  put(`export/${PARTITION}/users.csv.gz`, gzipSync(PEOPLE));
  put(`export/${PARTITION}/_SUCCESS`, "");

  await openDialog(page, service);
  const form = dialog(page);
  await form.getByLabel("Authorization Method").selectOption("User Access Keys");
  await form.getByLabel("S3 Bucket Name").fill(`${bucket}/export`);
  await form.getByLabel("AWS Access Key").fill("anybody");
  await form.getByLabel("AWS Security Token").fill("anything");
  await form.getByLabel("Path to base import folder").fill("users_import");
  await form.getByLabel("Date Format").fill("yyyy-MM-dd");
  await form.getByText("Advanced").click();
  await form.getByLabel("Region").fill("us-east-1");
  await form.getByLabel("Endpoint", { exact: true }).fill(endpoint);
  await form.getByRole("button", { name: "Apply" }).last().click();
  await page.waitForURL(/integrations\/px-users/);
  assert.ok(!(await page.content()).includes("anything"), "no secret comes back");

  await main(page).getByRole("button", { name: "Test connection" }).click();
  await main(page).getByText("It can be worked with").waitFor();
  await pollUntilOver(page);
  await seeRun(page);
  await main(page).getByRole("link", { name: "Import of users.csv.gz" }).click();
  await page.waitForURL("**/console/imports/*");
  await main(page).getByText("All 2 records are in").first().waitFor();
});
