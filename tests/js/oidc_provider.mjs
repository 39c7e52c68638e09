// A company's sign-in provider, as npm has it (panva's oidc-provider), on a free port of this machine. Its own pages
// ask for a name and take any password. Argument: a directory with node_modules; prints its issuer when it is ready.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(`${process.argv[2]}/package.json`));
const { Provider } = await import(pathToFileURL(require.resolve("oidc-provider")).href);

const server = createServer();
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const issuer = `http://127.0.0.1:${server.address().port}`;
const signing = (name, kind, options) => ({
  ...generateKeyPairSync(kind, options).privateKey.export({ format: "jwk" }), kid: name, use: "sig",
});
const provider = new Provider(issuer, {
  jwks: { keys: [signing("rsa", "rsa", { modulusLength: 2048 }), signing("ec", "ec", { namedCurve: "P-256" })] },
  cookies: { keys: ["of this run alone"] },
  pkce: { required: () => true },
  features: { registration: { enabled: true }, registrationManagement: { enabled: true } },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  loadExistingGrant: async (ctx) => {
    const { session, client } = ctx.oidc;
    const grant = new ctx.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope("openid");
    await grant.save();
    return grant;
  },
});
server.on("request", provider.callback());
process.stdout.write(`${issuer}\n`);
