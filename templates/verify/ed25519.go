// Verify says whether a call is genuine. Give it r.Header and the body as it came in,
// from io.ReadAll(r.Body).
package webhook

import (
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const key = "{{ raw }}"

func Verify(header http.Header, body []byte) bool {
	id, timestamp := header.Get("webhook-id"), header.Get("webhook-timestamp")
	at, err := strconv.ParseInt(timestamp, 10, 64)
	age := time.Since(time.Unix(at, 0))
	if err != nil || age.Abs() > 5*time.Minute {
		return false // too old, or from the future: it may be a call sent again
	}
	public, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return false
	}
	signed := append([]byte(id+"."+timestamp+"."), body...)
	// While keys change there are several, with spaces between; one has to fit.
	for _, each := range strings.Split(header.Get("webhook-signature"), " ") {
		text, found := strings.CutPrefix(each, "v1a,")
		given, err := base64.StdEncoding.DecodeString(text)
		if found && err == nil && ed25519.Verify(public, signed, given) {
			return true
		}
	}
	return false
}
