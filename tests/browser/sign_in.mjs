// Signing in and out, and finding one's way.

import { ADMIN, assert, browsing, examine, reach, signIn } from "./harness.mjs";
import { Issuer } from "./issuer.mjs";

const issuer = await Issuer.start();

browsing("a stranger is asked for a token, and sent back to where he wanted to go", { signedIn: false }, async ({ page, service }) => {
  await page.goto(`${service.address}/console/objects`);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await examine(page, "sign in");

  await page.getByLabel("Access token").fill("not a token");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("alert").filter({ hasText: "not known here" }).waitFor();
  await examine(page, "sign in refused");

  await page.getByLabel("Access token").fill(ADMIN);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/console/objects");
  await page.getByRole("heading", { level: 1, name: "Objects" }).waitFor();

  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Access token").waitFor();
  await page.goto(`${service.address}/console/imports`);
  await page.getByLabel("Access token").waitFor();
});

browsing("somebody signs in at the issuer, and out again", { signedIn: false, config: issuer.config() }, async ({ page, service }) => {
  const toIssuer = page.getByRole("button", { name: "Sign in with Example & Co" });
  const asked = page.getByRole("heading", { name: "Who are you?" });
  await page.goto(`${service.address}/console/objects/user?q=ada`);
  await toIssuer.waitFor();
  await examine(page, "sign in with an issuer");

  // Whoever thinks better of it is told so, and can begin again.
  await toIssuer.click();
  await asked.waitFor();
  assert.ok(page.url().startsWith(`${issuer.url}/authorize?`), page.url());
  await page.getByRole("button", { name: "Decline" }).click();
  await page.getByRole("alert").filter({ hasText: "declined" }).waitFor();
  await examine(page, "sign in declined");

  // Somebody whom the issuer knows, and who has no business here.
  await toIssuer.click();
  await page.getByLabel("Name").fill("Mallory");
  await page.getByLabel("Role").fill("nobody");
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("alert").filter({ hasText: "gives you no role here" }).waitFor();

  const back = page.waitForRequest((request) => request.url().startsWith(`${service.address}/console/sign-in/callback?`));
  await toIssuer.click();
  await page.getByLabel("Name").fill("Zo\u00eb Example");
  await page.getByLabel("Role").fill("viewer");
  await page.getByRole("button", { name: "Go on" }).click();
  await page.waitForURL(`${service.address}/console/objects/user?q=ada`);
  const bar = page.getByRole("banner");
  await bar.getByText("Zo\u00eb Example").waitFor();
  await bar.getByText("viewer", { exact: true }).waitFor();

  await bar.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("status").filter({ hasText: "You have signed out" }).waitFor();
  await examine(page, "signed out");
  await page.goto(`${service.address}/console/imports`);
  await toIssuer.waitFor();
  // What he came back with was good once.
  await page.goto((await back).url());
  await page.getByRole("alert").filter({ hasText: "it is over already" }).waitFor();
});

browsing("the keyboard alone leads to the issuer and back", { signedIn: false, config: issuer.config() }, async ({ page, service }) => {
  await page.goto(`${service.address}/console/imports`);
  await reach(page, "Sign in with Example & Co");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Who are you?" }).waitFor();
  await page.keyboard.type("Ada");
  await page.keyboard.press("Tab");
  await page.keyboard.type("admin");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${service.address}/console/imports`);
  await page.getByRole("banner").getByText("Ada").waitFor();
});

browsing("the navigation folds on a small screen, with and without a script", {}, async ({ page, service }) => {
  const wide = page.getByRole("navigation", { name: "Sections" });
  for (const name of ["Imports", "New import", "Integrations", "Objects", "Object types", "Tokens", "Settings"]) {
    await wide.getByRole("link", { name, exact: true }).click();
    await page.getByRole("heading", { level: 1 }).first().waitFor();
    assert.equal(await wide.locator("[aria-current=page]").textContent(), name);
  }
  const context = page.context();
  const small = await (await context.browser()).newContext({
    viewport: { width: 360, height: 640 },
    javaScriptEnabled: false,
    storageState: await context.storageState(),
  });
  const folded = await small.newPage();
  await folded.goto(`${service.address}/console/imports`);
  const tokens = folded.getByRole("link", { name: "Tokens" });
  await tokens.waitFor({ state: "hidden" });
  await folded.getByRole("button", { name: "Menu" }).click();
  await tokens.click();
  await folded.waitForURL("**/console/tokens");
  await small.close();
});

browsing("whoever may only look sees no way to change anything", { signedIn: false }, async ({ page, service }) => {
  const { out } = service.command("token", "create", "--name", "Vera Viewer", "--role", "viewer", "--json");
  await signIn(page, service, JSON.parse(out).token);
  const sections = page.getByRole("navigation", { name: "Sections" });
  await sections.getByRole("link", { name: "Objects", exact: true }).waitFor();
  assert.equal(await sections.getByRole("link", { name: "Tokens" }).count(), 0);
  assert.equal(await sections.getByRole("link", { name: "New import" }).count(), 0);
  await page.goto(`${service.address}/console/new`);
  await page.getByRole("alert").waitFor();
  await examine(page, "forbidden");
});

browsing("an address where nothing is says so, and what to do", {}, async ({ page, service }) => {
  await page.goto(`${service.address}/console/nowhere`);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.getByRole("alert").waitFor();
  await examine(page, "nowhere");
});
