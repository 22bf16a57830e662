# verify_webhook HEADERS BODY says whether a call is genuine; both are files, with the
# headers one a line, and the body as it came in.

header() {
    tr -d '\r' <"$1" | grep -i "^$2:" | head -n 1 | cut -d: -f2- | sed 's/^ *//'
}

verify_webhook() (
    work=$(mktemp -d)
    trap 'rm -r "$work"' EXIT
    cat >"$work/key" <<'PEM'
{{ pem }}
PEM
    # While keys change, the new one signs in the second header.
    for name in {{ header }} {{ header }}-Next; do
        header "$1" "$name" | base64 -d >"$work/signature" 2>/dev/null
        if openssl dgst -{{ hash }} -verify "$work/key" -signature "$work/signature" \
            "$2" >/dev/null 2>&1; then exit 0; fi
    done
    exit 1
)
