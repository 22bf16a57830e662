// verifyWebhook(headers, body) says whether a call is genuine. Give it the body as a
// Buffer, as it came in: express.raw({ type: '*/*' }) instead of express.json().
const { verify } = require('node:crypto');

const KEY = `
{{ pem }}
`;

function verifyWebhook(headers, body) {
  const id = headers['webhook-id'] ?? '';
  const timestamp = headers['webhook-timestamp'] ?? '';
  if (!/^\d+$/.test(timestamp) || Math.abs(Date.now() / 1000 - timestamp) > 300) {
    return false; // too old, or from the future: it may be a call sent again
  }
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  // While keys change there are several, with spaces between; one has to fit.
  return (headers['webhook-signature'] ?? '').split(' ').some((each) => {
    const [version, signature = ''] = each.split(',');
    return version === 'v1a' && verify(null, signed, KEY, Buffer.from(signature, 'base64'));
  });
}

module.exports = { verifyWebhook };
