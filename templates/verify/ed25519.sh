# verify_webhook HEADERS BODY says whether a call is genuine; both are files, with the
# headers one a line, and the body as it came in. It needs OpenSSL 3.0 or newer.

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

    work=$(mktemp -d)
    trap 'rm -r "$work"' EXIT
    cat >"$work/key" <<'PEM'
{{ pem }}
PEM
    { printf %s "$id.$timestamp." && cat "$2"; } >"$work/signed"
    # While keys change there are several, with spaces between; one has to fit.
    for each in $(header "$1" webhook-signature); do
        case $each in v1a,*) ;; *) continue ;; esac
        printf %s "${each#v1a,}" | base64 -d >"$work/signature" 2>/dev/null
        if openssl pkeyutl -verify -rawin -pubin -inkey "$work/key" \
            -sigfile "$work/signature" -in "$work/signed" >/dev/null 2>&1; then exit 0; fi
    done
    exit 1
)
