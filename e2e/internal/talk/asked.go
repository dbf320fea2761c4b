package talk

import (
	"encoding/json"
	"time"

	"github.com/cardea-rtc/cardea/tools/janus"
)

// asked is a request of the step under way.
type asked struct {
	socket      *socket
	transaction string
	message     bool // may be answered by an event
	any         bool // whatever is heard is the answer
	data        bool // asked over a data channel, and answered there
	acked       time.Time
	answered    bool
}

// ask sends a request that is to be answered before the next step.
func (p *player) ask(s *socket, request janus.Object) error {
	transaction, _ := request["transaction"].(string)
	p.asked = &asked{socket: s, transaction: transaction, message: request["janus"] == "message"}
	return s.conn.Send(request)
}

// askData expects an answer to a text with a transaction; as after an ack, there may be none.
func (p *player) askData(s *socket, text string) {
	var request struct {
		Transaction string `json:"transaction"`
	}
	if err := json.Unmarshal([]byte(text), &request); err == nil && request.Transaction != "" {
		p.asked = &asked{socket: s, transaction: request.Transaction, data: true, acked: time.Now()}
	}
}

func (p *player) noteAnswer(s *socket, m janus.Message) {
	a := p.asked
	switch {
	case a == nil || a.socket != s:
	case a.data:
		var heard struct {
			Text struct {
				Transaction string `json:"transaction"`
			} `json:"text"`
		}
		_ = json.Unmarshal(m.Raw, &heard) // what is no object, or has no text, is no answer
		a.answered = a.answered || heard.Text.Transaction == a.transaction
	case m.Janus == "error", a.any:
		a.answered = true
	case m.Transaction != a.transaction:
	case m.Janus == "ack" && a.message:
		a.acked = time.Now()
	default:
		a.answered = true
	}
}
