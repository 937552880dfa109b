// An OpenID Connect issuer, for tests that sign people in with a browser: a page that asks who somebody is, and tokens for
// the code that he comes back with. It is as strict as the good ones are, and knows nothing of the console but its client.
//
// It is at `localhost`, and services are at 127.0.0.1: for a browser that is another site, as an issuer is.

import { createHash, createSign, generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";

export const CLIENT = "the console";
export const SECRET = "open & sesame";

const digest = (text) => createHash("sha256").update(text).digest("base64url");
const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const decoded = (text) => decodeURIComponent(text.replaceAll("+", " "));
const escaped = (text) => text.replace(/[&<>"]/g, (character) => `&#${character.codePointAt(0)};`);

export class Issuer {
  /** Starts one. It ends with the tests, and keeps nobody waiting. */
  static async start() {
    const issuer = new Issuer();
    issuer.codes = new Map();
    issuer.key = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const server = createServer((request, response) => {
      issuer.answer(request).then(([status, headers, body]) => response.writeHead(status, headers).end(body));
    });
    await new Promise((resolve) => { server.listen(0, "localhost", resolve); });
    server.unref();
    issuer.url = `http://localhost:${server.address().port}`;
    return issuer;
  }

  /** What a service has to be told of it. */
  config() {
    return `[oidc]\nissuer = "${this.url}"\naudience = "rollbook"\nclient_id = "${CLIENT}"\nclient_secret = "${SECRET}"\n`
      + 'label = "Example & Co"\nname_claim = "name"\nrole_claim = "roles"\n';
  }

  async answer(request) {
    const { pathname, searchParams } = new URL(request.url, this.url);
    let body = "";
    for await (const piece of request) body += piece;
    switch (`${request.method} ${pathname}`) {
      case "GET /.well-known/openid-configuration": return json(200, this.description());
      case "GET /keys": return json(200, { keys: [{ ...this.key.publicKey.export({ format: "jwk" }), kid: "one", use: "sig", alg: "RS256" }] });
      case "GET /authorize": return this.ask(searchParams);
      case "POST /authorize": return this.back(new URLSearchParams(body));
      case "POST /token": return this.redeem(request.headers.authorization ?? "", new URLSearchParams(body));
      default: return [404, {}, ""];
    }
  }

  description() {
    return {
      issuer: this.url,
      jwks_uri: `${this.url}/keys`,
      authorization_endpoint: `${this.url}/authorize`,
      token_endpoint: `${this.url}/token`,
      response_types_supported: ["code"],
      id_token_signing_alg_values_supported: ["RS256"],
      code_challenge_methods_supported: ["S256"],
      authorization_response_iss_parameter_supported: true,
    };
  }

  /** The page that asks who somebody is. */
  ask(asked) {
    const { pathname, protocol } = new URL(asked.get("redirect_uri"));
    const isKnown = asked.get("client_id") === CLIENT && pathname === "/console/sign-in/callback" && protocol === "http:";
    const isGood = asked.get("response_type") === "code" && asked.get("code_challenge_method") === "S256"
      && asked.get("scope").split(" ").includes("openid") && ["state", "nonce", "code_challenge"].every((name) => asked.get(name));
    if (!isKnown || !isGood) return page("This client is not known here", `<p>${escaped(`${asked}`)}</p>`);
    const hidden = Array.from(asked, ([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`);
    return page("Who are you?", `<form method="post" action="/authorize">${hidden.join("")}
      <label>Name <input name="who" autofocus></label> <label>Role <input name="role"></label>
      <button name="answer" value="yes">Go on</button> <button name="answer" value="no">Decline</button></form>`);
  }

  /** Sends somebody back to where he came from. */
  back(said) {
    const to = new URL(said.get("redirect_uri"));
    to.searchParams.set("state", said.get("state"));
    to.searchParams.set("iss", this.url);
    if (said.get("answer") === "yes") {
      const code = randomUUID();
      this.codes.set(code, said);
      to.searchParams.set("code", code);
    } else {
      to.searchParams.set("error", "access_denied");
    }
    return [303, { Location: to.href }, ""];
  }

  /** Tokens for a code, once, for the client that it was given for. */
  redeem(authorization, form) {
    const [scheme, credentials = ""] = authorization.split(" ");
    const [id, secret = ""] = Buffer.from(credentials, "base64").toString().split(":").map(decoded);
    if (scheme !== "Basic" || id !== CLIENT || secret !== SECRET) return json(401, { error: "invalid_client" });
    const said = this.codes.get(form.get("code"));
    this.codes.delete(form.get("code"));
    const isGood = said && form.get("grant_type") === "authorization_code" && form.get("redirect_uri") === said.get("redirect_uri")
      && digest(form.get("code_verifier") ?? "") === said.get("code_challenge");
    if (!isGood) return json(400, { error: "invalid_grant" });
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: this.url, aud: CLIENT, sub: `number of ${said.get("who")}`, iat: now, exp: now + 300, nonce: said.get("nonce"),
      name: said.get("who"), roles: [`rollbook.${said.get("role")}`],
    };
    return json(200, { token_type: "Bearer", expires_in: 300, access_token: "opaque", id_token: this.signed(claims) });
  }

  signed(claims) {
    const text = `${encoded({ alg: "RS256", typ: "JWT", kid: "one" })}.${encoded(claims)}`;
    return `${text}.${createSign("RSA-SHA256").update(text).sign(this.key.privateKey, "base64url")}`;
  }
}

const json = (status, value) => [status, { "Content-Type": "application/json", "Cache-Control": "no-store" }, JSON.stringify(value)];

const page = (title, body) => [200, { "Content-Type": "text/html; charset=utf-8" },
  `<!doctype html><html lang="en"><title>${title}</title><h1>${title}</h1>${body}</html>`];
