// verifyWebhook(headers, body) says whether a call is genuine. Give it the body as a
// Buffer, as it came in: express.raw({ type: '*/*' }) instead of express.json().
const { createHmac, timingSafeEqual } = require('node:crypto');

function verifyWebhook(headers, body) {
  const id = headers['webhook-id'] ?? '';
  const timestamp = headers['webhook-timestamp'] ?? '';
  if (!/^\d+$/.test(timestamp) || Math.abs(Date.now() / 1000 - timestamp) > 300) {
    return false; // too old, or from the future: it may be a call sent again
  }
  const secret = Buffer.from(process.env.WEBHOOK_SECRET.replace(/^whsec_/, ''), 'base64');
  const digest = createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(body);
  const expected = Buffer.from(`v1,${digest.digest('base64')}`);
  // While keys change there are several, with spaces between; one has to fit.
  return (headers['webhook-signature'] ?? '').split(' ').some((each) => {
    const given = Buffer.from(each);
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

module.exports = { verifyWebhook };
