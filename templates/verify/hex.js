// verifyWebhook(headers, body) says whether a call is genuine. Give it the body as a
// Buffer, as it came in: express.raw({ type: '*/*' }) instead of express.json().
const { createHmac, timingSafeEqual } = require('node:crypto');

function verifyWebhook(headers, body) {
  const hmac = createHmac('{{ hash }}', process.env.WEBHOOK_SECRET);
  const expected = Buffer.from(hmac.update(body).digest('hex'));
  // While keys change, the new one signs in the second header.
  return ['{{ header | lower }}', '{{ header | lower }}-next'].some((name) => {
    const given = Buffer.from(headers[name] ?? '');
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

module.exports = { verifyWebhook };
