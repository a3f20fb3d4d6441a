// A real OpenID provider on a loopback port of its own, for the tests: it says where it is in one line of JSON on standard
// output, and ends with its standard input. Clients get access tokens for the audience `freehold` (RFC 9068), signed as the
// resource that they ask for says. What a test wants of it, it asks for below /control: new keys beside the old ones, the
// old ones gone, an outage, slow answers.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { Provider } from 'oidc-provider';

const CLIENTS = ['ann', 'bob'];
const ALGORITHMS = ['EdDSA', 'ES256', 'RS256', 'PS256'];
const KINDS = [
  ['ed25519', {}, 'EdDSA'],
  ['ec', { namedCurve: 'P-256' }, 'ES256'],
  ['rsa', { modulusLength: 2048 }, 'RS256'],
  ['rsa', { modulusLength: 2048 }, 'PS256'],
];

const newKeys = () => KINDS.map(([kind, options, alg]) => {
  const { privateKey } = generateKeyPairSync(kind, options);
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg };
});

let keys = newKeys();
let url;
let handle;
let isDown = false;
let delay = 0;
const counts = { jwks: 0, discovery: 0 };

const provide = () => {
  const provider = new Provider(url, {
    jwks: { keys },
    clients: CLIENTS.map((id) => ({
      client_id: id, client_secret: `${id}-secret`, grant_types: ['client_credentials'],
      redirect_uris: [], response_types: [],
    })),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (context, resource) => ({
          scope: 'resources:read people:read',
          audience: 'freehold',
          accessTokenFormat: 'jwt',
          accessTokenTTL: 600,
          jwt: { sign: { alg: resource.split(':').at(-1) } },
        }),
      },
    },
    extraTokenClaims: () => ({ tenant: process.env.TENANT, acr: 'phr' }),
  });
  handle = provider.callback();
};

const control = {
  '/control/overlap': () => { keys = [...newKeys(), ...keys]; provide(); },
  '/control/rotate': () => { keys = newKeys(); provide(); },
  '/control/down': () => { isDown = true; },
  '/control/slow': () => { delay = 5000; },
  '/control/up': () => { isDown = false; delay = 0; },
  '/control/counts': () => counts,
};

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, url);
  if (control[pathname]) {
    response.end(JSON.stringify(control[pathname]() ?? {}));
    return;
  }
  if (pathname === '/jwks') counts.jwks += 1;
  if (pathname === '/.well-known/openid-configuration') counts.discovery += 1;
  if (isDown) {
    response.writeHead(503).end();
    return;
  }
  setTimeout(() => handle(request, response), delay);
});

server.listen(0, '127.0.0.1', () => {
  url = `http://127.0.0.1:${server.address().port}`;
  provide();
  console.log(JSON.stringify({ url, algorithms: ALGORITHMS }));
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
