# sh check.sh SNIPPETS < cases: a line of yes or no for each case.
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
tab=$(printf '\t')
while IFS= read -r line; do
    sample=${line%%"$tab"*} rest=${line#*"$tab"}
    printf %s "${rest%%"$tab"*}" | base64 -d >"$work/body"
    printf '%s\n' "${rest#*"$tab"}" | tr '\t' '\n' | while IFS= read -r header; do
        printf '%s: %s\r\n' "${header%%=*}" "$(printf %s "${header#*=}" | base64 -d)"
    done >"$work/headers"
    # shellcheck disable=SC1090
    . "$1/$sample.sh"
    if verify_webhook "$work/headers" "$work/body"; then echo yes; else echo no; fi
done
