// node check.js SNIPPETS < cases: a line of yes or no for each case.
const { readFileSync } = require('node:fs');
const { resolve } = require('node:path');

for (const line of readFileSync(0, 'utf8').trimEnd().split('\n')) {
  const [sample, body, ...rest] = line.split('\t');
  const { verifyWebhook } = require(resolve(process.argv[2], `${sample}.js`));
  const headers = {};
  for (const header of rest) {
    const [, name, value] = header.match(/^([^=]*)=(.*)$/);
    headers[name.toLowerCase()] = Buffer.from(value, 'base64').toString();
  }
  console.log(verifyWebhook(headers, Buffer.from(body, 'base64')) ? 'yes' : 'no');
}
