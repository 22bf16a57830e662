<?php
// php strtotime.php < lines of a time and a text: each time that PHP makes of them.
date_default_timezone_set('UTC');
while (($line = fgets(STDIN)) !== false) {
    [$now, $text] = explode("\t", rtrim($line, "\n"));
    $at = strtotime($text, (int) $now);
    echo $at === false ? 'none' : $at, "\n";
}
