package node

// remembered is how many commands of a peer are known again. One is under way at a time, so few are repeated late.
const remembered = 8

// memory holds the answers to a peer's last commands. Its zero value is ready.
type memory struct {
	ids     [remembered]string
	answers [remembered]any
	next    int
}

func (m *memory) put(id string, answer any) {
	if id == "" {
		return
	}
	m.ids[m.next], m.answers[m.next] = id, answer
	m.next = (m.next + 1) % remembered
}

// recall returns the answer to a command that has had one of type T.
func recall[T any](m *memory, id string) (answer T, ok bool) {
	if id == "" {
		return answer, false
	}
	for i := range m.ids {
		if m.ids[i] == id {
			answer, ok = m.answers[i].(T)
			return answer, ok
		}
	}
	return answer, false
}
