<?php
// php check.php SNIPPETS < cases: a line of yes or no for each case.
foreach (glob("$argv[1]/*.php") as $file) {
    require $file;
}
while (($line = fgets(STDIN)) !== false) {
    [$sample, $body, $rest] = explode("\t", rtrim($line, "\n"), 3);
    $headers = [];
    foreach (explode("\t", $rest) as $header) {
        [$name, $value] = explode('=', $header, 2);
        $headers[$name] = base64_decode($value);
    }
    echo "$sample\\verify_webhook"($headers, base64_decode($body)) ? "yes\n" : "no\n";
}
