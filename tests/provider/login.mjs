// A real OpenID Connect provider for log-ins by browser, and beside it one that lies as it is told.
//
//   node login.mjs TOOLS [PORT]
//
// TOOLS is where the packages are (target/tools/provider). Says on standard output where both listen, as JSON, and ends
// when standard input does.
//
// The real one lets in whoever the header `x-person` names, a JSON object, as it is or as base64url: `sub`, and where they
// are said `name`, `email`, `email_verified`, `acr`, `amr`; with `deny` it lets nobody in. The liar's codes are base64url of a JSON object
// that says what its token is to be.

import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

// What the provider tells of itself is for people: nobody reads on behind the first line of standard output.
console.info = console.error;
console.warn = console.error;

const tools = process.argv[2];
const load = (name) => import(pathToFileURL(`${tools}/node_modules/${name}`));
const { Provider } = await load('oidc-provider/lib/index.js');
const jose = await load('jose/dist/webapi/index.js');

const CLIENT = 'freehold';
const SECRET = 'a-secret-of-the-tests-alone-0123456789';
// Where a server of the tests is, and one that somebody runs by hand.
const PUBLIC = ['https://login.freehold.test', 'http://localhost:8080'];

const people = new Map();
const who = (req) => {
  const said = req.headers['x-person'] ?? '{"deny": true}';
  return JSON.parse(said.startsWith('{') ? said : Buffer.from(said, 'base64url'));
};

async function listen(handle, port = 0) {
  const server = createServer(handle);
  await new Promise((done) => server.listen(port, '127.0.0.1', done));
  return { server, url: `http://127.0.0.1:${server.address().port}` };
}

// The real one.
let provider;
const real = await listen((req, res) => {
  if (!req.url.startsWith('/interaction/')) return provider.callback()(req, res);
  return interact(req, res).catch((error) => {
    res.statusCode = 500;
    res.end(String(error));
  });
}, Number(process.argv[3] ?? 0));

async function interact(req, res) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(req, res);
  const person = who(req);
  if (person.deny) {
    const result = { error: 'access_denied', error_description: 'nobody is let in' };
    return provider.interactionFinished(req, res, result);
  }
  if (prompt.name === 'login') {
    people.set(person.sub, person);
    const login = { accountId: person.sub, acr: person.acr, amr: person.amr };
    return provider.interactionFinished(req, res, { login });
  }
  const known = grantId && (await provider.Grant.find(grantId));
  const grant = known || new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope('openid profile email');
  return provider.interactionFinished(req, res, { consent: { grantId: await grant.save() } });
}

provider = new Provider(real.url, {
  clients: [
    {
      client_id: CLIENT,
      client_secret: SECRET,
      redirect_uris: PUBLIC.map((origin) => `${origin}/v1/auth/callback`),
      post_logout_redirect_uris: PUBLIC.map((origin) => `${origin}/docs/`),
    },
  ],
  cookies: { keys: ['of the tests alone'] },
  pkce: { required: () => true },
  acrValues: ['phr'],
  claims: { acr: null, amr: null, auth_time: null, iss: null, sid: null, openid: ['sub', 'amr'], profile: ['name'], email: ['email', 'email_verified'] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, sub) => ({
    accountId: sub,
    claims: () => {
      const { deny, acr, ...claims } = people.get(sub) ?? {};
      return { ...claims, sub };
    },
  }),
});

// The liar.
const { privateKey, publicKey } = await jose.generateKeyPair('ES256', { extractable: true });
const other = await jose.generateKeyPair('ES256', { extractable: true });
const jwk = { ...(await jose.exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' };
const segment = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

const liar = await listen(async (req, res) => {
  const url = liar.url;
  const answer = (value) => {
    res.setHeader('content-type', 'application/json');
    res.end(JSON.stringify(value));
  };
  if (req.url === '/.well-known/openid-configuration') {
    return answer({
      issuer: url,
      authorization_endpoint: `${url}/auth`,
      token_endpoint: `${url}/token`,
      jwks_uri: `${url}/jwks`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256', 'HS256'],
      authorization_response_iss_parameter_supported: true,
    });
  }
  if (req.url === '/jwks') return answer({ keys: [jwk] });
  let body = '';
  for await (const chunk of req) body += chunk;
  const told = JSON.parse(Buffer.from(new URLSearchParams(body).get('code'), 'base64url'));
  if (told.status) {
    res.statusCode = told.status;
    if (told.location) res.setHeader('location', told.location);
    return res.end(told.body ?? '');
  }
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: url, sub: 'liar', aud: CLIENT, iat: now, exp: now + 60, ...told.claims };
  for (const [name, value] of Object.entries(claims)) if (value === null) delete claims[name];
  const header = { alg: 'ES256', kid: 'one', ...told.header };
  let token;
  if (header.alg === 'none') token = `${segment(header)}.${segment(claims)}.`;
  else if (header.alg === 'HS256') {
    const signed = `${segment(header)}.${segment(claims)}`;
    token = `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`;
  } else {
    const key = told.other ? other.privateKey : privateKey;
    token = await new jose.SignJWT(claims).setProtectedHeader(header).sign(key);
  }
  const whole = { access_token: 'none', token_type: 'Bearer', expires_in: 60, id_token: token };
  if (told.without) delete whole.id_token;
  if (told.padding) whole.padding = 'x'.repeat(told.padding);
  return answer(whole);
});

// Whoever started this reads the first line only.
process.stdout.on('error', () => {});
console.log(JSON.stringify({ url: real.url, liar: liar.url, client_id: CLIENT, client_secret: SECRET }));
process.stdin.on('end', () => process.exit(0)).resume();
