<?php
// verify_webhook(getallheaders(), file_get_contents('php://input')) says whether a
// call is genuine. Give it the body as it came in, before anything reads it.
// It needs the extension sodium, which comes with PHP.

const WEBHOOK_KEY = '{{ raw }}';

function verify_webhook(array $headers, string $body): bool
{
    $headers = array_change_key_case($headers);
    $id = $headers['webhook-id'] ?? '';
    $timestamp = $headers['webhook-timestamp'] ?? '';
    if (!ctype_digit($timestamp) || abs(time() - (int) $timestamp) > 300) {
        return false; // too old, or from the future: it may be a call sent again
    }
    $key = base64_decode(WEBHOOK_KEY);
    // While keys change there are several, with spaces between; one has to fit.
    foreach (explode(' ', $headers['webhook-signature'] ?? '') as $each) {
        [$version, $text] = explode(',', $each, 2) + ['', ''];
        $signature = base64_decode($text, true);
        if ($version !== 'v1a' || strlen((string) $signature) !== 64) {
            continue;
        }
        if (sodium_crypto_sign_verify_detached($signature, "$id.$timestamp.$body", $key)) {
            return true;
        }
    }
    return false;
}
