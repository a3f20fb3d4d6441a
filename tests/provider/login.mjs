// A real OpenID Connect provider for log-ins by browser, and beside it one that lies as it is told.
//
//   node login.mjs TOOLS [PORT]
//
// TOOLS is where the packages are (target/tools/provider). Says on standard output where both listen, as JSON, and ends
// when standard input does.
//
// The real one lets in whoever the header `x-person` names, a JSON object, as it is or as base64url: `sub`, and where they
// are said `name`, `email`, `email_verified`, `acr`, `amr`; with `deny` it lets nobody in.
//
// The liar's codes are base64url of a JSON object that says what is answered to them: `claims` and `header` change those of
// a good ID token (null takes one away), `key` names the key that signs it, `other` has another key sign, `at_hash` adds the
// hash of the access token, `groups` makes it long, `answer` changes the answer around it, `userinfo` is what the UserInfo endpoint says later.
// `status`, `location`, `body` and `without` answer without a token; `padding` makes the answer longer.

import { constants, createHash, createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

// What the provider tells of itself is for people: nobody reads on behind the first line of standard output.
console.info = console.error;
console.warn = console.error;

const tools = process.argv[2];
const load = (name) => import(pathToFileURL(`${tools}/node_modules/${name}`));
const { Provider } = await load('oidc-provider/lib/index.js');

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

// The liar. Each of its keys is good for `alg`; what it says of it may be something else.
const ec = (says) => ({ kind: 'ec', options: { namedCurve: 'P-256' }, alg: 'ES256', says });
const rsa = (modulusLength, alg) => ({ kind: 'rsa', options: { modulusLength }, alg });
const KEYS = {
  one: ec(),
  ed: { kind: 'ed25519', alg: 'EdDSA' },
  rsa: rsa(2048, 'RS256'),
  pss: rsa(2048, 'PS256'),
  weak: rsa(1024, 'RS256'),
  encryption: ec({ use: 'enc' }),
  wrapping: ec({ key_ops: ['wrapKey'] }),
  twice: ec(),
  hidden: ec(),
};
for (const key of Object.values(KEYS)) Object.assign(key, generateKeyPairSync(key.kind, key.options));
const jwk = (kid, key) => ({ ...key.publicKey.export({ format: 'jwk' }), kid, alg: key.alg, use: 'sig', ...key.says });
const shown = Object.entries(KEYS).filter(([kid]) => kid !== 'hidden');
const jwks = { keys: [...shown.map(([kid, key]) => jwk(kid, key)), jwk('twice', KEYS.one)] };

const segment = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const pruned = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));

function signature(header, message, { privateKey: key }) {
  const { RSA_PKCS1_PSS_PADDING: padding } = constants;
  switch (header.alg) {
    case 'none': return Buffer.alloc(0);
    case 'HS256': return createHmac('sha256', SECRET).update(message).digest();
    case 'EdDSA': return sign(null, message, key);
    case 'PS256': return sign('sha256', message, { key, padding, saltLength: 32 });
    default: return sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' });
  }
}

function idToken(url, told, accessToken) {
  const now = Math.floor(Date.now() / 1000);
  const kid = told.key ?? 'one';
  const header = pruned({ alg: KEYS[kid].alg, kid, ...told.header });
  const claims = { iss: url, sub: 'liar', aud: CLIENT, iat: now, exp: now + 60, ...told.claims };
  if (told.groups) claims.groups = Array(told.groups).fill('a-group-whose-name-is-long');
  if (told.at_hash) {
    const hash = createHash(header.alg === 'EdDSA' ? 'sha512' : 'sha256').update(accessToken).digest();
    claims.at_hash = hash.subarray(0, hash.length / 2).toString('base64url');
  }
  const message = `${segment(header)}.${segment(pruned(claims))}`;
  const by = told.other ? KEYS.hidden : KEYS[kid];
  return `${message}.${signature(header, Buffer.from(message), by).toString('base64url')}`;
}

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
      userinfo_endpoint: `${url}/me`,
      jwks_uri: `${url}/jwks`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256', 'HS256'],
      authorization_response_iss_parameter_supported: true,
    });
  }
  if (req.url === '/jwks') return answer(jwks);
  if (req.url === '/me') {
    return answer(JSON.parse(Buffer.from(req.headers.authorization.slice('Bearer '.length), 'base64url')));
  }
  let body = '';
  for await (const chunk of req) body += chunk;
  const told = JSON.parse(Buffer.from(new URLSearchParams(body).get('code'), 'base64url'));
  if (told.status) {
    res.statusCode = told.status;
    if (told.location) res.setHeader('location', told.location);
    return res.end(told.body ?? '');
  }
  // The access token says what it is good for.
  const accessToken = segment(told.userinfo ?? {});
  const token = idToken(url, told, accessToken);
  const whole = { access_token: accessToken, token_type: 'Bearer', expires_in: 60, id_token: token, ...told.answer };
  if (told.without) delete whole.id_token;
  if (told.padding) whole.padding = 'x'.repeat(told.padding);
  return answer(pruned(whole));
});

// Whoever started this reads the first line only.
process.stdout.on('error', () => {});
console.log(JSON.stringify({ url: real.url, liar: liar.url, client_id: CLIENT, client_secret: SECRET }));
process.stdin.on('end', () => process.exit(0)).resume();
