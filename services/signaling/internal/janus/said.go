package janus

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/cardea-rtc/cardea/proto/busv1"
)

// Said is what a plugin says in an event, as endpoints get it. It is written once for all who are told the same.
type Said struct{ text []byte }

// Say writes what e says, whoever it is for; nil if that is nothing of a plugin's, or cannot be written.
func Say(e *busv1.Event) *Said {
	p := e.GetPlugin()
	if p == nil {
		return nil
	}
	part := struct {
		PluginData pluginData `json:"plugindata"`
		JSEP       *jsepData  `json:"jsep,omitempty"`
	}{PluginData: pluginData{p.GetPlugin(), p.GetData()}}
	if j := p.GetJsep(); j != nil {
		part.JSEP = &jsepData{j.GetType(), j.GetSdp(), j.GetE2Ee()}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(part) != nil {
		return nil
	}
	return &Said{bytes.TrimSuffix(b.Bytes(), []byte("\n"))[1:]} // without the brace that opens it
}

// event writes e, which says that; what encode would make of it.
func (s *Said) event(e *busv1.Event, opaque bool) []byte {
	b := make([]byte, 0, len(s.text)+len(e.GetTransaction())+len(e.GetOpaqueId())+128)
	b = append(b, `{"janus":"event"`...)
	if id := e.GetSessionId(); id != 0 {
		b = strconv.AppendInt(append(b, `,"session_id":`...), int64(id), 10)
	}
	if e.GetCommandId() != "" {
		b = appendText(append(b, `,"transaction":`...), e.GetTransaction())
	}
	if id := e.GetHandleId(); id != 0 {
		b = strconv.AppendUint(append(b, `,"sender":`...), id, 10)
	}
	if opaque && e.GetOpaqueId() != "" {
		b = appendText(append(b, `,"opaque_id":`...), e.GetOpaqueId())
	}
	return append(append(b, ','), s.text...)
}

// appendText writes s as JSON, as encode does.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			var quoted bytes.Buffer
			enc := json.NewEncoder(&quoted)
			enc.SetEscapeHTML(false)
			_ = enc.Encode(s) // a string can be
			return append(b, bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
