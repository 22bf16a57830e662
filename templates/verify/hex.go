// Verify says whether a call is genuine. Give it r.Header and the body as it came in,
// from io.ReadAll(r.Body).
package webhook

import (
	"crypto/hmac"
	"crypto/{{ hash }}"
	"encoding/hex"
	"net/http"
	"os"
)

func Verify(header http.Header, body []byte) bool {
	mac := hmac.New({{ hash }}.New, []byte(os.Getenv("WEBHOOK_SECRET")))
	mac.Write(body)
	expected := hex.EncodeToString(mac.Sum(nil))
	// While keys change, the new one signs in the second header.
	for _, name := range []string{"{{ header }}", "{{ header }}-Next"} {
		if hmac.Equal([]byte(header.Get(name)), []byte(expected)) {
			return true
		}
	}
	return false
}
