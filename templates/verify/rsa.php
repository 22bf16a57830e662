<?php
// verify_webhook(getallheaders(), file_get_contents('php://input')) says whether a
// call is genuine. Give it the body as it came in, before anything reads it.

const WEBHOOK_KEY = <<<'PEM'
{{ pem }}
PEM;

function verify_webhook(array $headers, string $body): bool
{
    $headers = array_change_key_case($headers);
    // While keys change, the new one signs in the second header.
    foreach (['{{ header | lower }}', '{{ header | lower }}-next'] as $name) {
        $signature = base64_decode($headers[$name] ?? '', true);
        if ($signature === false || $signature === '') {
            continue;
        }
        if (openssl_verify($body, $signature, WEBHOOK_KEY, OPENSSL_ALGO_{{ hash | upper }}) === 1) {
            return true;
        }
    }
    return false;
}
