# verify_webhook HEADERS BODY says whether a call is genuine; both are files, with the
# headers one a line, and the body as it came in. For trying things out by hand: the
# secret can be seen among the running processes for a moment.

header() {
    tr -d '\r' <"$1" | grep -i "^$2:" | head -n 1 | cut -d: -f2- | sed 's/^ *//'
}

verify_webhook() (
    id=$(header "$1" webhook-id)
    timestamp=$(header "$1" webhook-timestamp)
    case $timestamp in '' | *[!0-9]*) exit 1 ;; esac
    age=$(($(date +%s) - timestamp))
    # Too old, or from the future: it may be a call sent again.
    if [ "$age" -gt 300 ] || [ "$age" -lt -300 ]; then exit 1; fi

    key=$(printf %s "${WEBHOOK_SECRET#whsec_}" | base64 -d | od -An -v -tx1 | tr -d ' \n')
    expected=v1,$({ printf %s "$id.$timestamp." && cat "$2"; } |
        openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64 -w 0)
    # While keys change there are several, with spaces between; one has to fit.
    for given in $(header "$1" webhook-signature); do
        if [ "$given" = "$expected" ]; then exit 0; fi
    done
    exit 1
)
