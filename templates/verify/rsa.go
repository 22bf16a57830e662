// Verify says whether a call is genuine. Give it r.Header and the body as it came in,
// from io.ReadAll(r.Body).
package webhook

import (
	"crypto"
	"crypto/rsa"
	"crypto/{{ hash }}"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
)

const key = `
{{ pem }}
`

func Verify(header http.Header, body []byte) bool {
	block, _ := pem.Decode([]byte(key))
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return false
	}
	digest := {{ hash }}.Sum{{ "256" if hash == "sha256" }}(body)
	// While keys change, the new one signs in the second header.
	for _, name := range []string{"{{ header }}", "{{ header }}-Next"} {
		given, err := base64.StdEncoding.DecodeString(header.Get(name))
		if err != nil {
			continue
		}
		if rsa.VerifyPKCS1v15(public.(*rsa.PublicKey), crypto.{{ hash | upper }}, digest[:], given) == nil {
			return true
		}
	}
	return false
}
