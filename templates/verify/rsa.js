// verifyWebhook(headers, body) says whether a call is genuine. Give it the body as a
// Buffer, as it came in: express.raw({ type: '*/*' }) instead of express.json().
const { verify } = require('node:crypto');

const KEY = `
{{ pem }}
`;

function verifyWebhook(headers, body) {
  // While keys change, the new one signs in the second header.
  return ['{{ header | lower }}', '{{ header | lower }}-next'].some((name) => {
    const signature = Buffer.from(headers[name] ?? '', 'base64');
    return verify('RSA-{{ hash | upper }}', body, KEY, signature);
  });
}

module.exports = { verifyWebhook };
