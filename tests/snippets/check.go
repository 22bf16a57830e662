// go run . < cases: a line of yes or no for each case.
package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"strings"

	hmacsha256hex "check/hmacsha256hex"
	hmacsha512hex "check/hmacsha512hex"
	rsasha1 "check/rsasha1"
	rsasha256 "check/rsasha256"
	standard "check/standard"
	standarded25519 "check/standarded25519"
)

var samples = map[string]func(http.Header, []byte) bool{
	"hmacsha256hex":   hmacsha256hex.Verify,
	"hmacsha512hex":   hmacsha512hex.Verify,
	"rsasha1":         rsasha1.Verify,
	"rsasha256":       rsasha256.Verify,
	"standard":        standard.Verify,
	"standarded25519": standarded25519.Verify,
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		parts := strings.Split(lines.Text(), "\t")
		header := http.Header{}
		for _, each := range parts[2:] {
			name, text, _ := strings.Cut(each, "=")
			value, _ := base64.StdEncoding.DecodeString(text)
			header.Set(name, string(value))
		}
		body, _ := base64.StdEncoding.DecodeString(parts[1])
		fmt.Println(map[bool]string{true: "yes", false: "no"}[samples[parts[0]](header, body)])
	}
}
