package token

import (
	"testing"
	"time"
)

const secret = "topsecret"

var now = time.Unix(1_000_000, 0)

func signed(text string) string {
	return text + ":" + sign(text, secret)
}

func TestCheck(t *testing.T) {
	for text, want := range map[string]bool{
		signed("1000000,janus,janus.plugin.echotest"): true,
		signed("1000001,janus"):                       true,
		signed("999999,janus,p"):                      false, // over
		signed("-1,janus,p"):                          false,
		signed("x,janus,p"):                           false,
		signed("1000001,other,p"):                     false,
		signed("1000001,janus:more,p"):                false, // cut at the first colon
		signed("1000001"):                             false,
		"1000001,janus,p:":                            false,
		"1000001,janus,p":                             false,
		signed("1000001,janus,p") + "=":               false,
		"9" + signed("1000001,janus,p"):               false,
		signed("1000001,janus,p") + "\n":              false,
	} {
		if _, ok := Check(text, secret, "janus", now); ok != want {
			t.Errorf("%s: %v", text, ok)
		}
	}
	if _, ok := Check(signed("1000001,janus"), "other", "janus", now); ok {
		t.Error("another secret's signature holds")
	}
}

// The example of spec/janus-api.md is of another secret, so this one was signed by OpenSSL:
// printf %s 1795356721,janus,janus.plugin.echotest | openssl dgst -sha1 -hmac secret -binary | base64
func TestCheckOfWhatAnotherProgramSigned(t *testing.T) {
	got, ok := Check("1795356721,janus,janus.plugin.echotest:cqAM3OqRLoCPPUUb7GLOAHKkRlg=", "secret", "janus", now)
	if !ok || !got.Has("janus.plugin.echotest") || got.Has("janus.plugin.videoroom") {
		t.Errorf("got %v, %v", got, ok)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(signed("1000001,janus,p"))
	f.Add("1,janus:x")
	f.Add(signed("1000001,janus,p") + "\r")
	f.Fuzz(func(t *testing.T, text string) {
		if _, ok := Check(text, secret, "janus", now); ok && text != signed("1000001,janus,p") {
			t.Errorf("%q holds", text)
		}
	})
}
