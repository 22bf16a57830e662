<?php
// verify_webhook(getallheaders(), file_get_contents('php://input')) says whether a
// call is genuine. Give it the body as it came in, before anything reads it.

function verify_webhook(array $headers, string $body): bool
{
    $headers = array_change_key_case($headers);
    $expected = hash_hmac('{{ hash }}', $body, getenv('WEBHOOK_SECRET'));
    // While keys change, the new one signs in the second header.
    foreach (['{{ header | lower }}', '{{ header | lower }}-next'] as $name) {
        if (hash_equals($expected, $headers[$name] ?? '')) {
            return true;
        }
    }
    return false;
}
