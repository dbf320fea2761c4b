package node

import "time"

// feedbackEvery is how long a packet that came waits at most to be told of.
const feedbackEvery = 100 * time.Millisecond

// recordArrival takes note of a packet for the endpoint's bandwidth estimate.
func (pub *publisher) recordArrival(seq uint16, now time.Duration) {
	pub.twcc.Record(seq, now)
	switch p := pub.peer; {
	case pub.twcc.Due(now):
		p.sendTransportFeedback(now)
		p.feedback.Stop()
	case !p.feedback.IsSet():
		p.feedback.Set(now + feedbackEvery)
	}
}
