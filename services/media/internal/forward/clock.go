package forward

import "time"

// PublisherClock relates a publisher's NTP clock to the node's. One is shared by all streams of a publisher, so that
// whatever error the estimate has, it is the same for sound and picture. Its zero value is ready.
type PublisherClock struct {
	offset time.Duration // node's clock minus publisher's, transit time included
	known  bool
}
